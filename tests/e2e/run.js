// The end-to-end suite: every other module of this folder that exports tests,
// each against real daemons.  ONLY=text runs the tests whose name has it; an
// argument names a module.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../support/cluster.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const [, , module] = process.argv;
let passed = 0;
let failed = 0;

for (const file of fs.readdirSync(here).sort()) {
    if (!file.endsWith('.js') || file === 'run.js') continue;
    if (module && file !== `${module}.js`) continue;
    const { default: tests } = await import(path.join(here, file));
    if (!tests) continue;
    const r = await suite(file.replace(/\.js$/, ''), tests);
    passed += r.passed;
    failed += r.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
