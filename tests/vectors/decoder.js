// A second implementation of covey's formats, written from docs/protocol.md alone:
// it checks each vector of this folder and says what it found in it.
//
// usage: node tests/vectors/decoder.js [NAME...]   e.g. batch epochs
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load, notLookedAt, tally } from './checks.js';
import * as changesets from './read_changesets.js';
import * as refused from './read_refused.js';
import * as space from './read_space.js';
import * as wire from './read_wire.js';

const readers = {
    ...space.readers,
    ...changesets.readers,
    ...wire.readers,
    ...refused.readers,
};
const here = new URL('./', import.meta.url);
export const files = fs
    .readdirSync(here)
    .filter((f) => f.endsWith('.json'))
    .map((f) => f.replace(/\.json$/, ''));
const all = Object.fromEntries(files.map((f) => [f, load(f)]));

/** Reads one file: how many checks passed and failed, and what it shows. */
export function read(file) {
    const before = tally();
    const what = readers[file](all[file], all);
    const { passed, failed } = tally();
    return { passed: passed - before.passed, failed: failed - before.failed, what };
}
export { notLookedAt };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const wanted = process.argv.length > 2 ? process.argv.slice(2) : files;
    for (const file of wanted) {
        const { passed, what } = read(file);
        console.log(`${file.padEnd(10)} ${String(passed).padStart(5)}  ${what}`);
    }
    if (wanted === files)
        notLookedAt().forEach((key) => console.log(`not looked at: ${key}`));
    process.exitCode = tally().failed > 0 ? 1 : 0;
}
