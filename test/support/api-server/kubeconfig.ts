/** How an API server is reached: by HTTPS with a file of certificates to trust, or by plain HTTP. */
export type KubeconfigCluster =
  | { readonly server: `https://${string}`; readonly 'certificate-authority': string }
  // What reads it wants to be told so for a server without TLS.
  | { readonly server: string; readonly 'insecure-skip-tls-verify': true };

/** A kubeconfig of one cluster and one user. JSON, which YAML contains. */
export const kubeconfigText = (cluster: KubeconfigCluster, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
