/** Why a goal is not met, or not measured here: what is known of it, by the id of the goal. Not printed once it is met. */
export const remarks: Readonly<Record<string, string>> = {
  P11: "Not measured: neither Keycloak nor Hydra was run beside. Keycloak's own sizing guide counts 120 refreshes, 120 client-credentials grants and 15 password sign-ins a second for each vCPU; what this run's processor times would make of a core is derived below.",
};
