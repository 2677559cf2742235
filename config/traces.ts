/** Where traces go, as OpenTelemetry names its settings. */
import type { SettingValues } from './settings.ts';

export interface TracesConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Of the traces that begin here; the rest is not kept. */
  readonly ratio: number;
}

/** Undefined unless there is somebody to hand them to. */
export function tracesConfig(values: SettingValues): TracesConfig | undefined {
  const endpoint = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  return {
    url: `${endpoint}/v1/traces`,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: values.OTEL_SERVICE_NAME,
    ratio: values.OTEL_TRACES_SAMPLER_ARG,
  };
}
