import type { Programs } from '../kubernetes/programs.ts';
import { clusterCidrs, type Host, kubernetesServiceIps, primaryAddress } from '../lan/plan.ts';
import type { Credentials } from './credentials.ts';

/** The port of the API server, as kubeadm has it. */
export const apiServerPort = 6443;

/** The port of kube-proxy's health on every node. */
export const proxyHealthPort = 10256;

/** How kube-proxy forwards: both work in network namespaces. */
export const proxyModes = ['nftables', 'iptables'] as const;

export type ProxyMode = (typeof proxyModes)[number];

/** A program of the cluster and where it runs. */
export type Component = {
  /** Unique in the sandbox: `etcd`, `kube-proxy-n1`, … */
  readonly name: string;
  /** The LAN host in whose namespace it runs. */
  readonly host: string;
  readonly argv: readonly string[];
};

/** The names and addresses by which programs reach the API server. */
export const apiServerNames = (
  controlPlane: Host,
): { readonly dns: readonly string[]; readonly ips: readonly string[] } => {
  const { IPv4, IPv6 } = primaryAddress(controlPlane);
  return {
    dns: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
    ips: ['127.0.0.1', IPv4, IPv6, ...kubernetesServiceIps],
  };
};

export const etcd = (programs: Programs, host: Host, dataFolder: string): Component => ({
  name: 'etcd',
  host: host.name,
  argv: [
    programs.etcd,
    `--data-dir=${dataFolder}`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
  ],
});

export const kubeApiServer = (programs: Programs, host: Host, credentials: Credentials): Component => ({
  name: 'kube-apiserver',
  host: host.name,
  argv: [
    programs['kube-apiserver'],
    '--etcd-servers=http://127.0.0.1:2379',
    `--secure-port=${apiServerPort}`,
    `--advertise-address=${primaryAddress(host).IPv4}`,
    `--tls-cert-file=${credentials.servingCertFile}`,
    `--tls-private-key-file=${credentials.servingKeyFile}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-key-file=${credentials.serviceAccountPublicKeyFile}`,
    `--service-cluster-ip-range=${Object.values(clusterCidrs.services).join(',')}`,
    // No kube-proxy runs on this host: webhooks are reached by their endpoints' addresses.
    '--enable-aggregator-routing=true',
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged=true',
    '--profiling=false',
  ],
});

/** The options that kube-controller-manager and kube-scheduler share: one replica, and a certificate that is there. */
const asOnlyReplica = (credentials: Credentials, kubeconfig: string): readonly string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--authentication-kubeconfig=${kubeconfig}`,
  `--authorization-kubeconfig=${kubeconfig}`,
  '--authentication-skip-lookup=true',
  '--leader-elect=false',
  '--bind-address=127.0.0.1',
  `--tls-cert-file=${credentials.servingCertFile}`,
  `--tls-private-key-file=${credentials.servingKeyFile}`,
  '--profiling=false',
];

/** Its timing is left at the defaults, so that a node counts as lost when it would in any cluster. */
export const kubeControllerManager = (
  programs: Programs,
  host: Host,
  credentials: Credentials,
  kubeconfig: string,
): Component => ({
  name: 'kube-controller-manager',
  host: host.name,
  argv: [
    programs['kube-controller-manager'],
    ...asOnlyReplica(credentials, kubeconfig),
    `--root-ca-file=${credentials.caFile}`,
    `--service-account-private-key-file=${credentials.serviceAccountKeyFile}`,
    '--use-service-account-credentials=true',
    `--cluster-cidr=${Object.values(clusterCidrs.pods).join(',')}`,
    '--allocate-node-cidrs=false',
  ],
});

export const kubeScheduler = (
  programs: Programs,
  host: Host,
  credentials: Credentials,
  kubeconfig: string,
): Component => ({
  name: 'kube-scheduler',
  host: host.name,
  argv: [programs['kube-scheduler'], ...asOnlyReplica(credentials, kubeconfig)],
});

export const kubeProxy = (programs: Programs, host: Host, configFile: string): Component => ({
  name: `kube-proxy-${host.name}`,
  host: host.name,
  argv: [programs['kube-proxy'], `--config=${configFile}`],
});

/** kube-proxy's configuration file for one node. */
export const kubeProxyConfiguration = (host: Host, kubeconfig: string, mode: ProxyMode): object => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  clientConnection: { kubeconfig },
  hostnameOverride: host.name,
  mode,
  clusterCIDR: Object.values(clusterCidrs.pods).join(','),
  detectLocalMode: 'ClusterCIDR',
  healthzBindAddress: `0.0.0.0:${proxyHealthPort}`,
  metricsBindAddress: '127.0.0.1:10249',
  // Zero leaves the kernel's settings alone; a namespace may not change some of them.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
});
