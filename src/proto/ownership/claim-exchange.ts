import type { Ip } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Claims } from './claims.ts';
import type { Context } from './context.ts';
import type { Claim, OwnershipBody } from './message.ts';
import { claimsParts } from './packet.ts';
import type { Hearing, Peer } from './peers.ts';
import { claimsRetry, digestPatience } from './timing.ts';

/** Keeps what is known of the claims of each peer equal to what the peer says: by digest, and the full list on request. */
export type ClaimExchange = {
  /** A beacon of the peer has this digest, and its changes have been taken. */
  readonly compare: (hearing: Hearing, digest: number) => void;
  /** Asks for all claims, unless it was just done. */
  readonly ask: (peer: Peer, interfaceIndex: number | undefined, to: Ip) => void;
  /** A part of the full list has come. */
  readonly take: (peer: Peer, part: ClaimsPart) => void;
  /** Somebody wants the claims of this speaker. */
  readonly answer: (self: Peer, interfaceIndex: number | undefined, to: Ip) => void;
  readonly forget: (peer: Peer) => void;
};

type ClaimsPart = Extract<OwnershipBody, { readonly type: 'claims' }>;

/** What is under way with one peer. */
type Exchange = {
  askedAt: number;
  /** Since when the digests differ. */
  differsSince: number | undefined;
  collected: { readonly digest: number; readonly parts: Map<number, readonly Claim[]> } | undefined;
};

/** Makes the exchange of one machine; `onKnown`: all claims of the peer are known for the first time. */
export const createClaimExchange = (context: Context, claims: Claims, onKnown: (peer: Peer) => void): ClaimExchange => {
  const exchanges = new Map<Peer, Exchange>();
  const answeredAt = new Map<Ip, Millis>();

  const exchangeWith = (peer: Peer): Exchange => {
    let exchange = exchanges.get(peer);
    if (exchange === undefined) {
      exchange = { askedAt: -Infinity, differsSince: undefined, collected: undefined };
      exchanges.set(peer, exchange);
    }
    return exchange;
  };

  const know = (peer: Peer): void => {
    exchanges.delete(peer);
    if (peer.isKnown) return;
    peer.isKnown = true;
    onKnown(peer);
  };

  const ask: ClaimExchange['ask'] = (peer, interfaceIndex, to) => {
    const exchange = exchangeWith(peer);
    if (context.now() - exchange.askedAt < claimsRetry) return;
    exchange.askedAt = context.now();
    context.send(interfaceIndex, to, { type: 'claimsWanted' });
  };

  return {
    compare: ({ peer, interface: index, from }, digest) => {
      if (peer.digest === digest) {
        know(peer);
        return;
      }
      const exchange = exchangeWith(peer);
      exchange.differsSince ??= context.now();
      // What changes in several messages at once differs for a moment.
      if (!peer.isKnown || context.now() - exchange.differsSince >= digestPatience) ask(peer, index, from);
    },
    ask,
    take: (peer, { digest, part, parts, claims: some }) => {
      const exchange = exchangeWith(peer);
      if (exchange.collected?.digest !== digest) exchange.collected = { digest, parts: new Map() };
      const collected = exchange.collected.parts;
      collected.set(part, some);
      if (collected.size < parts) return;
      claims.replaceAll(peer, [...collected.values()].flat());
      know(peer);
    },
    answer: (self, interfaceIndex, to) => {
      const last = answeredAt.get(to);
      if (last !== undefined && context.now() - last < digestPatience) return;
      if (answeredAt.size > 2000) answeredAt.clear();
      answeredAt.set(to, context.now());
      const parts = claimsParts(self.node, [...self.claims.values()], self.digest);
      for (const part of parts) context.send(interfaceIndex, to, part);
    },
    forget: (peer) => void exchanges.delete(peer),
  };
};
