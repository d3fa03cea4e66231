import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP connection to a loopback port that breaks, freezes or refuses as it is told. */
export type FaultyWire = {
  readonly port: number;
  /** Cuts every connection now, and refuses new ones until `restore`. */
  readonly cut: () => void;
  /** Cuts the connections when the server has sent that many octets more, altogether; new ones are served. */
  readonly cutAfter: (octets: number) => void;
  /** Carries nothing more on the connections there are, and leaves them open; new ones are served. */
  readonly freeze: () => void;
  readonly restore: () => void;
  /** Connections made so far. */
  readonly accepted: () => number;
  readonly close: () => void;
};

export const startFaultyWire = async (target: number): Promise<FaultyWire> => {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  let budget = Infinity;
  let accepted = 0;

  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };

  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    accepted++;
    const upstream = connect(target, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk.subarray(0, budget));
      budget -= chunk.length;
      if (budget > 0) return;
      budget = Infinity;
      client.end(cutAll);
    });
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      cutAll();
    },
    cutAfter: (octets) => {
      budget = octets;
    },
    freeze: () => {
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    restore: () => {
      isCut = false;
    },
    accepted: () => accepted,
    close: () => {
      server.close();
      cutAll();
    },
  };
};
