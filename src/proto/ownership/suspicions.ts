import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Mac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import { allowedSilence } from './hearing.ts';
import type { Finding } from './machine.ts';
import type { Nonce } from './message.ts';
import { type Hearing, heardOn, type Peer } from './peers.ts';
import { forEachDue } from './timers.ts';
import { diagnosisInterval, diagnosisTime, patienceTime, silentIntervalsAtMost, unheardInterval } from './timing.ts';

/**
 * What to think of an owner that has fallen silent. One that is heard on another interface is told so; else all that may
 * know of it are asked at once: its own speaker, its kernel, and everybody on the segment. No answer in a short window
 * means that it is dead, an answer of its kernel alone gives it patience.
 */
export type Suspicions = {
  /** An owner is not heard any more on the interface of this hearing. */
  readonly suspect: (hearing: Hearing) => void;
  /** A new message of the peer has come. */
  readonly signOfLife: (peer: Peer) => void;
  /** Another member has heard the peer so long ago. */
  readonly vouch: (peer: Peer, interfaceIndex: number | undefined, nonce: Nonce, since: Millis) => void;
  readonly diagnosed: (peer: Peer, finding: Finding) => void;
  readonly forget: (peer: Peer) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type SuspicionPorts = {
  /** MAC of our interface, and whether anybody else is heard there, or was since a point of awake time. */
  readonly macOf: (interfaceIndex: number) => Mac | undefined;
  readonly hearsOthers: (interfaceIndex: number | undefined, than: Peer, since?: Millis) => boolean;
  /** Nobody was heard on the interface since its last sign of life: perhaps this speaker is the one that is cut off. */
  readonly doubtSelf: (interfaceIndex: number) => void;
  /** This speaker does not hear it there, though it lives: it is to send copies, or to hand over. */
  readonly unname: (hearing: Hearing) => void;
  /** The outcome is death. */
  readonly onDead: (peer: Peer) => void;
};

type Case = {
  readonly peer: Peer;
  readonly hearing: Hearing;
  readonly nonce: Nonce;
  /** `vouched`: somebody else hears it; asked again when that is over. `elsewhere`: we do, on another interface. */
  phase: 'asking' | 'patience' | 'vouched' | 'elsewhere';
  hostAnswers: boolean;
  diagnosedAt: number;
  /** How often in turn somebody else heard it: so long, questions get rarer. */
  vouches: number;
};

/** Makes the suspicions of one machine. */
export const createSuspicions = (context: Context, ports: SuspicionPorts): Suspicions => {
  const cases = new Map<Peer, Case>();
  const deadlines = createDeadlineQueue<Case>();

  const close = (subject: Case): void => {
    cases.delete(subject.peer);
    deadlines.delete(subject);
    subject.peer.isSuspect = false;
  };

  const wait = (subject: Case, phase: Case['phase'], duration: number): void => {
    subject.phase = phase;
    subject.peer.isSuspect = phase === 'asking' || phase === 'patience';
    deadlines.set(subject, millis(context.now() + duration));
  };

  const outcome = (subject: Case, result: 'alive' | 'dead' | 'patience'): void =>
    context.report({ type: 'suspicion', node: subject.peer.node, outcome: result });

  const ask = (subject: Case): void => {
    const { peer, nonce } = subject;
    const isDiagnosing = context.now() - subject.diagnosedAt >= diagnosisInterval;
    if (isDiagnosing) {
      subject.diagnosedAt = context.now();
      subject.hostAnswers = false;
    }
    for (const { interface: index, from, ipv4, mac, heardAt } of peer.hearings) {
      if (index !== undefined && !ports.hearsOthers(index, peer, heardAt)) ports.doubtSelf(index);
      if (index !== undefined) context.send(index, 'all', { type: 'whoHears', sought: peer.node, nonce });
      if (!isDiagnosing) continue;
      const body = { type: 'challenge', nonce } as const;
      if (index === undefined) context.send(index, from, body);
      else {
        const address = ipv4 ?? from;
        context.emit({ type: 'diagnose', node: peer.node, interface: index, address, mac, body });
      }
    }
    wait(subject, 'asking', diagnosisTime);
  };

  const tellUnheard = (subject: Case, elsewhere: Hearing): void => {
    ports.unname(subject.hearing);
    const index = subject.hearing.interface;
    const mac = index === undefined ? undefined : ports.macOf(index);
    // Who hears nobody there had better doubt itself.
    if (mac !== undefined && ports.hearsOthers(index, subject.peer)) {
      context.send(elsewhere.interface, elsewhere.from, { type: 'unheard', mac });
    }
    wait(subject, 'elsewhere', unheardInterval);
  };

  const examine = (subject: Case): void => {
    const elsewhere = heardOn(subject.peer);
    if (elsewhere === undefined) ask(subject);
    else if (elsewhere.interface === undefined || subject.hearing.isHeard) close(subject);
    else tellUnheard(subject, elsewhere);
  };

  const die = (subject: Case): void => {
    close(subject);
    outcome(subject, 'dead');
    ports.onDead(subject.peer);
  };

  const due = (subject: Case): void => {
    switch (subject.phase) {
      case 'asking':
        if (!subject.hostAnswers) return die(subject);
        outcome(subject, 'patience');
        return wait(subject, 'patience', patienceTime);
      case 'patience':
        return die(subject);
      case 'vouched':
      case 'elsewhere':
        return subject.peer.isOwner ? examine(subject) : close(subject);
    }
  };

  return {
    suspect: (hearing) => {
      const { peer } = hearing;
      const open = cases.get(peer);
      if (open !== undefined) {
        if (open.phase === 'elsewhere') examine(open);
        return;
      }
      const subject: Case = {
        peer,
        hearing,
        nonce: context.options.random64(),
        phase: 'asking',
        hostAnswers: false,
        diagnosedAt: -Infinity,
        vouches: 0,
      };
      cases.set(peer, subject);
      examine(subject);
    },
    signOfLife: (peer) => {
      const subject = cases.get(peer);
      if (subject === undefined) return;
      if (peer.isSuspect) outcome(subject, 'alive');
      if (subject.hearing.isHeard) close(subject);
      else if (subject.phase !== 'elsewhere') wait(subject, 'elsewhere', unheardInterval);
    },
    vouch: (peer, interfaceIndex, nonce, since) => {
      const subject = cases.get(peer);
      if (subject === undefined || subject.nonce !== nonce || !subject.peer.isSuspect) return;
      const hearing = peer.hearings.find((known) => known.interface === interfaceIndex) ?? subject.hearing;
      const patience = Math.min(
        allowedSilence(hearing) * 2 ** subject.vouches,
        silentIntervalsAtMost * hearing.interval,
      );
      if (since >= patience) return;
      outcome(subject, 'alive');
      ports.unname(hearing);
      subject.vouches += 1;
      wait(subject, 'vouched', patience - since);
    },
    diagnosed: (peer, finding) => {
      const subject = cases.get(peer);
      if (subject === undefined || !peer.isSuspect) return;
      if (finding === 'portUnreachable') die(subject);
      else subject.hostAnswers = true;
    },
    forget: (peer) => {
      const subject = cases.get(peer);
      if (subject !== undefined) close(subject);
    },
    timerDue: () => forEachDue(deadlines, context.now(), due),
    nextDeadline: deadlines.next,
  };
};
