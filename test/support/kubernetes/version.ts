/** The one Kubernetes that the sandbox runs; go.mod beside this file builds the same. */
export const kubernetesVersion = 'v1.34.4';

/** The etcd that this Kubernetes is released with. */
export const etcdVersion = 'v3.6.5';

/** The programs that come from the Kubernetes release. */
export const kubernetesPrograms = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubectl',
] as const;

export type KubernetesProgram = (typeof kubernetesPrograms)[number];

/** Everything a control plane is made of. */
export type Program = KubernetesProgram | 'etcd';

/** What Go and the releases call this machine's processor. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/** Takes one line at a time, for people to read. */
export type Log = (line: string) => void;
