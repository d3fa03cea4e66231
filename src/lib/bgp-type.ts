/** The values of MetalLB's variable `METALLB_BGP_TYPE`. */
export const bgpTypes = ['native', 'frr', 'frr-k8s'] as const;

/** How BGP is spoken: by the speaker itself, or by FRR with frr-k8s. `frr` is served as `native`. */
export type BgpType = (typeof bgpTypes)[number];
