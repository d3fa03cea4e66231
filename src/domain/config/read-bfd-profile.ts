import { millis } from '../../lib/time.ts';
import { bfdProfileSpec } from '../resources/bfd-profile.ts';
import type { BfdProfile } from './bgp.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';

/** What MetalLB calls the numbers, and their bounds. */
const numbers: Readonly<Record<string, { readonly word: string; readonly range: string }>> = {
  receiveInterval: { word: 'receive interval', range: '10-60000' },
  transmitInterval: { word: 'transmit interval', range: '10-60000' },
  detectMultiplier: { word: 'detect multiplier', range: '2-255' },
  echoInterval: { word: 'echo interval', range: '10-60000' },
  minimumTtl: { word: 'minimum ttl', range: '1-254' },
};

/** Reads one `BFDProfile`, with FRR's defaults for what is not set; undefined when it cannot be in force. */
export const readBfdProfile = (resource: CustomResource, report: Report): BfdProfile | undefined => {
  const inMetallbsWords: Report = (reason, field, cause) => {
    const path = field.slice('spec.'.length);
    const value = (resource.spec as Readonly<Record<string, unknown>>)[path];
    const number = numbers[path];
    if (number === undefined || !Number.isInteger(value)) return report(reason, field, cause, effect);
    const { word, range } = number;
    report(
      'InvalidBfdProfile',
      field,
      `invalid ${word} value: invalid value ${String(value)}, must be in ${range} range`,
      effect,
    );
  };
  const spec = parseSpec(bfdProfileSpec, resource, inMetallbsWords);
  if (spec === undefined) return undefined;
  return {
    name: resource.metadata.name,
    receiveInterval: millis(spec.receiveInterval ?? 300),
    transmitInterval: millis(spec.transmitInterval ?? 300),
    detectMultiplier: spec.detectMultiplier ?? 3,
    echoInterval: millis(spec.echoInterval ?? 50),
    echoMode: spec.echoMode ?? false,
    passiveMode: spec.passiveMode ?? false,
    minimumTtl: spec.minimumTtl ?? 254,
  };
};

const effect = 'the profile is left out, and with it the peers that use it';
