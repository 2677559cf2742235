/** How much processor time processes have taken so far, and how much memory they hold. */
import { readdir, readFile } from 'node:fs/promises';
import { parseStat, parseStatusKb, type ProcessStat } from './proc.ts';

export interface CpuTime {
  readonly totalUs: number;
  /** Of it, in libuv's thread pool: hashing, and what WebCrypto signs. */
  readonly poolUs: number;
}

/** Of one process with all its threads. */
export async function cpuOf(pid: number): Promise<CpuTime> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((thread) => statOf(`/proc/${pid}/task/${thread}/stat`)));
  const pool = stats.filter((stat) => stat?.name === 'libuv-worker');
  const total = await statOf(`/proc/${pid}/stat`);
  if (!total) throw new Error(`process ${pid} is gone`);
  return { totalUs: total.ownUs, poolUs: pool.reduce((sum, stat) => sum + (stat?.ownUs ?? 0), 0) };
}

/** Of a PostgreSQL server: its first process and the children it has, or has had. */
export async function cpuOfFamily(pid: number): Promise<number> {
  const first = await statOf(`/proc/${pid}/stat`);
  if (!first) throw new Error(`process ${pid} is gone`);
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(all.map((name) => statOf(`/proc/${name}/stat`)));
  const children = stats.filter((stat) => stat?.parent === pid);
  return children.reduce((sum, stat) => sum + (stat?.ownUs ?? 0), first.ownUs + first.reapedUs);
}

/** Resident memory in bytes. */
export async function residentOf(pid: number): Promise<number> {
  return parseStatusKb(await readFile(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
}

export async function parentOf(pid: number): Promise<number> {
  return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8')).parent;
}

/** Undefined for what has ended meanwhile. */
function statOf(file: string): Promise<ProcessStat | undefined> {
  return readFile(file, 'utf8').then(parseStat, () => undefined);
}
