import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { getObject } from '../support/cluster/metallb.ts';

const example = join(import.meta.dirname, '../../docs/examples/metrics-reader.yaml');

const cluster = metallbCluster({ nodes: 1 });

type Pods = { readonly items: readonly { readonly status: { readonly podIP: string } }[] };

/** Where the first pod of a component is. */
const podAddress = async (component: string): Promise<string> => {
  const selector = `--selector=app=metallb,component=${component}`;
  const pods = await getObject<Pods>(cluster(), '-n', 'metallb-system', 'pods', selector);
  return pods?.items[0]?.status.podIP ?? '';
};

/** Asks for the metrics from a node, as Prometheus would; the status is 0 if there is no answer. */
const scrape = async (address: string, token: string, scheme = 'https'): Promise<{ status: number; body: string }> => {
  const header = token === '' ? [] : ['--header', `Authorization: Bearer ${token}`];
  const argv = ['curl', '--silent', '--insecure', '--max-time', '20', '--write-out', '\n%{http_code}', ...header];
  const { stdout } = await cluster().exec('n1', [...argv, `${scheme}://${address}:9120/metrics`], { check: false });
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
};

const tokenOf = async (namespace: string, account: string): Promise<string> =>
  (await cluster().kubectl(['-n', namespace, 'create', 'token', account])).stdout.trim();

let reader: string;
let fresh: string;
let other: string;

beforeAll(async () => {
  await cluster().kubectl(['create', 'namespace', 'monitoring']);
  await cluster().kubectl(['-n', 'monitoring', 'create', 'serviceaccount', 'prometheus-k8s']);
  await cluster().kubectl(['apply', '-f', example]);
  reader = await tokenOf('monitoring', 'prometheus-k8s');
  fresh = await tokenOf('monitoring', 'prometheus-k8s');
  other = await eventually('the namespace has its account', () => tokenOf('default', 'default'));
});

describe.each(['controller', 'speaker'])('the %s', (component) => {
  test('shows its metrics to an account that may read them', async () => {
    const { body } = await eventually('the configuration is loaded', async () => {
      const answer = await scrape(await podAddress(component), reader);
      return answer.body.includes('\nmetallb_k8s_client_config_loaded_bool 1\n') && answer;
    });
    expect(body).toMatch(/^process_start_time_seconds \d/m);
  });

  test('shows them to nobody else, and says why', async () => {
    const address = await podAddress(component);
    expect(await scrape(address, '')).toEqual({ status: 401, body: 'a bearer token is needed\n' });
    expect(await scrape(address, 'invented')).toEqual({ status: 401, body: 'the token is not valid\n' });
    expect(await scrape(address, other)).toEqual({
      status: 403,
      body: '"system:serviceaccount:default:default" is not allowed to get /metrics\n',
    });
    expect((await scrape(address, reader, 'http')).status).toBe(0);
  });
});

test('while the API server is away, those who were let pass just now still are, and others are told', async () => {
  const address = await podAddress('speaker');
  expect((await scrape(address, reader)).status).toBe(200);
  await cluster().stop('kube-apiserver');
  try {
    expect((await scrape(address, reader)).status).toBe(200);
    expect(await scrape(address, fresh)).toEqual({
      status: 503,
      body: 'the API server cannot be asked who may read this\n',
    });
  } finally {
    await cluster().start('kube-apiserver');
  }
});
