import { parseArgs } from 'node:util';

/** What the command line of the node agent says. */
export type Options = {
  readonly nodeName: string;
  /** IPv4 first, as far as given. */
  readonly nodeIps: readonly string[];
  readonly podCidrs: readonly string[];
  readonly kubeconfig: string;
  readonly stateDir: string;
  /** The checkout whose `dist/`, Dockerfiles and `node` the images are made of. */
  readonly repo: string;
};

/** Reads the command line; throws a sentence that names the option at fault. */
export const parseOptions = (args: readonly string[]): Options => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      'node-name': text,
      'node-ip': text,
      'pod-cidr': text,
      kubeconfig: text,
      'state-dir': text,
      repo: text,
    },
  });
  const wanted = (name: keyof typeof values): string => {
    const value = values[name];
    if (value === undefined || value === '') throw new Error(`--${name} is missing`);
    return value;
  };
  return {
    nodeName: wanted('node-name'),
    nodeIps: wanted('node-ip').split(','),
    podCidrs: wanted('pod-cidr').split(','),
    kubeconfig: wanted('kubeconfig'),
    stateDir: wanted('state-dir'),
    repo: wanted('repo'),
  };
};
