// All formats of docs/protocol.md, for who reads the vectors.
export * from './primitives.js';
export * from './msgpack.js';
export * from './certificates.js';
export * from './changesets.js';
export * from './rows.js';
export * from './joining.js';
export * from './epochs.js';
export * from './membership.js';
export * from './noise.js';
export * from './messages.js';
export * from './batches.js';
