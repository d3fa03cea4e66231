import * as z from 'zod/mini';

/**
 * What only the API server checks, in the words of a CustomResourceDefinition. Objects that were stored before a rule
 * existed must not become unreadable, so these take no part in parsing; the assembly finds such faults one by one.
 */
export type ServerRules = {
  readonly type?: 'integer';
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
};

/** A rule in the Common Expression Language; `self` is the value. */
export type CelRule = {
  readonly rule: string;
  /** Shown when the rule does not hold, unless the expression gives a text. */
  readonly message: string;
  readonly messageExpression?: string;
};

/** The rules of the API server for a value that needs no text of its own, such as an item of a list. */
export const ruled = <T extends z.ZodMiniType>(schema: T, rules: ServerRules): T => schema.check(z.meta({ ...rules }));

/** Gives a field the text that `kubectl explain` shows, and the rules of the API server. */
export const field = <T extends z.ZodMiniType>(schema: T, description: string, rules: ServerRules = {}): T =>
  schema.check(z.meta({ description, ...rules }));
