export {
  change,
  createDrift,
  DRIFT_OPERATIONS,
  type DriftOperation,
  type DriftOptions,
  type Night,
  type NightChanges,
  passNight,
} from './changes.ts';
export {
  FAULT_KINDS,
  type FaultKind,
  FaultPlan,
  type FaultRate,
  type FaultRequest,
  type FaultRule,
} from './faults.ts';
export type { Stats } from './http.ts';
export { type RateLimit, RETRY_AFTER_FORMS, type RetryAfterForm } from './http.ts';
export type { JobFilters } from './job-list.ts';
export { DIRECTIONS, type Direction, ORDER_COLUMNS, type OrderColumn } from './job-list.ts';
export type { JobFields } from './members.ts';
export {
  BREAKING_ODDITIES,
  EVERY_ODDITY,
  EXACTING_ODDITIES,
  ODDITIES,
  type OddityKind,
  REJECT_ODDITIES,
  UNREADABLE,
} from './oddities.ts';
export { parseDrift, parseFault, parseOddities, parseRateLimit } from './parse-options.ts';
export type { JobQuery } from './query.ts';
export type { SimulatorOptions } from './server.ts';
export { type Simulator, startSimulator } from './server.ts';
export type { Operation } from './store.ts';
export { JobStore, type StoreOptions, type StoreQuery } from './store.ts';
export type { SignIn } from './tokens.ts';
export { Random } from './values.ts';
