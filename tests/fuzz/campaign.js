// What `make fuzz` and the suite share: finding the targets, running them two
// at a time, reading what libFuzzer says.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');
export const built = path.join(root, 'build/fuzz');
const findings = path.join(built, 'findings');

// Every target that there is, by name.
export function targets() {
    return fs
        .readdirSync(here)
        .map((file) => /^fuzz_(\w+)\.c$/.exec(file)?.[1])
        .filter(Boolean)
        .sort();
}

// What is in git, and what this machine has found since.
export const committed = (target) => path.join(here, 'corpus', target);
export const found = (target) => path.join(built, 'corpus', target);

export function files(dir) {
    return fs.existsSync(dir) ? fs.readdirSync(dir).sort() : [];
}

// Run a program to its end; its output is both streams, and `hear` is told of
// it as it comes.
export function run(command, args, { hear = () => {}, ...options } = {}) {
    return new Promise((resolve) => {
        const child = spawn(command, args, { cwd: root, ...options });
        let output = '';
        const more = (bytes) => {
            output += bytes;
            hear(String(bytes));
        };

        child.stdout.on('data', more);
        child.stderr.on('data', more);
        child.on('error', (e) => resolve({ code: 127, output: String(e) }));
        child.on('close', (code, signal) =>
            resolve({ code: code ?? signal, output })
        );
    });
}

// Do `work` for each item, as many at a time as there are processors.
export async function eachOf(items, work) {
    const rest = [...items];
    const lane = async () => {
        while (rest.length > 0) await work(rest.shift());
    };

    await Promise.all(os.cpus().map(lane));
}

function dictionary(target) {
    const file = path.join(here, `${target}.dict`);

    return fs.existsSync(file) ? [`-dict=${file}`] : [];
}

const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);
const last = (text, pattern) => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);

// The input that ended a run, or null.  A leak is named so too.
function culprit(output) {
    return /Test unit written to (\S+)/.exec(output)?.[1] ?? null;
}

// libFuzzer catches signals itself, to keep the input; and a small quarantine
// is faster by half where memory comes and goes.
const env = {
    ...process.env,
    ASAN_OPTIONS: 'quarantine_size_mb=16:malloc_context_size=8',
    UBSAN_OPTIONS: 'print_stacktrace=1',
};

// Fuzz one target for so many seconds.
export async function fuzz(target, seconds) {
    const started = Date.now();

    fs.mkdirSync(found(target), { recursive: true });
    fs.mkdirSync(committed(target), { recursive: true });
    fs.mkdirSync(findings, { recursive: true });

    const { code, output } = await run(
        path.join(built, target),
        [
            `-max_total_time=${seconds}`,
            '-timeout=60',
            '-rss_limit_mb=1024',
            '-print_final_stats=1',
            `-artifact_prefix=${path.join(findings, `${target}-`)}`,
            ...dictionary(target),
            found(target),
            committed(target),
        ],
        { env }
    );

    return {
        target,
        seconds: (Date.now() - started) / 1000,
        runs: number(output, /stat::number_of_executed_units:\s*(\d+)/),
        edges: last(output, /\bcov: (\d+)/g),
        corpus: last(output, /\bcorp: (\d+)/g),
        seed: number(output, /INFO: Seed: (\d+)/),
        ok: code === 0,
        input: culprit(output),
        output,
    };
}

// Where it broke, and how to see it again.
export function tell(result) {
    const noise = /^(#\d|INFO|0x|\\|Base64|stat::|NOTE| +#\d+ .*fuzzer::)/;
    const end = result.output
        .split('\n')
        .filter((line) => !noise.test(line) && line.length < 400)
        .slice(-60)
        .join('\n');
    const program = path.relative(root, path.join(built, result.target));
    const again = result.input
        ? `${program} ${path.relative(root, result.input)}`
        : `${program} -seed=${result.seed} -max_total_time=60`;

    console.log(`${end}\n${result.target}: to see it again: ${again}`);
}
