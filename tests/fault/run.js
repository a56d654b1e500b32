// The sweeps: things fail, the power goes, the daemon is killed, each time at
// another place.  Under `make check` a sample that a fresh seed picks;
// FULL=1 (`make sweep`) all of them.  SEED=n takes that sample again.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { kill } from './kill.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.COVEY_BUILD || path.join(root, 'build');
const FULL = Boolean(process.env.FULL);
const SEED = Number(process.env.SEED || Date.now() % 1000000);

// Program, arguments of a sample, of the whole.
const tools = [
    ['tool_power', [SEED, 600, 40], [SEED, 20000, 2]],
    ['tool_nth', ['eio', 40, SEED], ['eio', 1, SEED]],
    ['tool_nth', ['full', 20, SEED], ['full', 1, SEED]],
    ['tool_nth', ['memory', 3000, SEED], ['memory', 20, SEED]],
    ['tool_nth', ['famine', 3000, SEED], ['famine', 20, SEED]],
];

// Run one; what it prints is shown, and whether it found nothing is the result.
function runTool([tool, sample, whole]) {
    const args = (FULL ? whole : sample).map(String);
    const child = spawn(path.join(build, 'tests/fault', tool), args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (d) => (out += d));
    return new Promise((resolve) => {
        child.on('close', (code) => {
            const lines = out.trim().split('\n');
            const good = code === 0;
            console.log(`${good ? 'ok   ' : 'FAIL '} fault: ${tool} ${args.join(' ')}`);
            for (const line of good ? lines.slice(-1) : lines) console.log(`      ${line}`);
            resolve(good);
        });
    });
}

// Two at a time, one a core.
async function runTools() {
    const queue = [...tools];
    const results = [];
    const worker = async () => {
        while (queue.length > 0) results.push(await runTool(queue.shift()));
    };
    await Promise.all([worker(), worker()]);
    return results;
}

console.log(`fault: seed ${SEED}`);
const results = await runTools();
// What is killed counts nothing, and gcov's own system calls are in the way.
const counts = path.basename(build) === 'cov';
const killed = counts ? { passed: 0, failed: 0 } : await kill(FULL ? 1000 : 30, SEED);
const passed = results.filter(Boolean).length + killed.passed;
const failed = results.length + killed.passed + killed.failed - passed;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
