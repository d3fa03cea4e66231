import { type Item, type Note, openMap } from './map-reader.ts';
import { withoutAbsent } from './without-absent.ts';

/** An entry of `bfd-profiles` as the spec of a `BFDProfile`. */
export type LegacyBfdProfile = { readonly name: string; readonly spec: object };

const anyNumber = { min: 0, max: 0xffff_ffff };

/** Reads an entry of `bfd-profiles`; undefined if anything is wrong with it. `number` counts from 1. */
export const readBfdProfile = (item: Item, number: number, note: Note): LegacyBfdProfile | undefined => {
  const profile = openMap(item, note);
  if (profile === undefined) return undefined;
  const fault = (key: string, message: string): void =>
    profile.fault(profile.at(key), `parsing bfd profile #${number}: ${message}`);
  const inRange = (key: string, what: string, min: number, max: number): number | undefined => {
    const value = profile.integer(key, anyNumber);
    if (value !== undefined && (value < min || value > max)) {
      fault(key, `invalid ${what} value: invalid value ${value}, must be in ${min}-${max} range`);
    }
    return value;
  };

  const name = profile.text('name') ?? '';
  if (name === '') fault('name', 'missing bfd profile name');
  const spec = {
    receiveInterval: inRange('receive-interval', 'receive interval', 10, 60_000),
    transmitInterval: inRange('transmit-interval', 'transmit interval', 10, 60_000),
    detectMultiplier: inRange('detect-multiplier', 'detect multiplier', 2, 255),
    echoInterval: inRange('echo-interval', 'echo interval', 10, 60_000),
    echoMode: profile.truth('echo-mode') ?? false,
    passiveMode: profile.truth('passive-mode') ?? false,
    minimumTtl: inRange('minimum-ttl', 'minimum ttl', 1, 254),
  };
  return profile.end() ? { name, spec: withoutAbsent(spec) } : undefined;
};
