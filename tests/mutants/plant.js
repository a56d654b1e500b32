// Patches with their heads, and copies of the tree to plant them in.
//
// A patch is a head, an empty line, and what `git diff` prints:
//
//   promise: what the code promises, in plain words
//   rule: DESIGN 13.N, an invariant, or TRUST 4.N, a rule; commas between
//   bug: what this patch makes of it
//   checks: those that are to kill it, in the order in which they are run
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOf } from './checks.js';

export const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');
const home = path.join(root, 'build/mutants');

// A planted bug that loops, or takes all memory, stops neither the run nor the
// machine: so many seconds of a core, and 2 GB.  A program with sanitizers maps
// terabytes, and so counts what it really has.
const LIMITED = 'ulimit -c 0; ulimit -t "$0"; ulimit -v "$1"; shift; exec "$@"';
const ASAN_LIMIT = ':hard_rss_limit_mb=2000';

// Run a program to its end; code is a number, or the signal that ended it.
export function run(file, args, { cwd, env, input } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, { cwd, env: env ?? process.env });
        const out = [];
        child.stdout.on('data', (d) => out.push(d));
        child.stderr.on('data', (d) => out.push(d));
        child.on('error', reject);
        child.on('close', (code, signal) => resolve(
            { code: code ?? signal, out: Buffer.concat(out).toString() }));
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

// ---- patches

const RULE = /^(DESIGN 13\.([1-9]|10)|TRUST 4\.([1-9]|[12]\d|3[0-5]))$/;

// What is wrong with a patch's head; empty: nothing.
export function headFaults(m) {
    const faults = [];

    for (const key of ['promise', 'rule', 'bug', 'checks'])
        if (!m.head[key]) faults.push(`no ${key}`);
    for (const rule of m.rules)
        if (!RULE.test(rule)) faults.push(`no rule is called ${rule}`);
    for (const name of m.checkNames)
        if (!checkOf(name)) faults.push(`no check is called ${name}`);
    return faults;
}

function listOf(text) {
    return (text ?? '').split(',').map((s) => s.trim()).filter((s) => s);
}

function mutantOf(file) {
    const text = fs.readFileSync(path.join(here, file), 'utf8');
    const [top] = text.split('\n\n', 1);
    const head = {};
    let key;

    for (const line of top.split('\n')) {
        const [, name, rest] = /^(\w+): (.*)$/.exec(line) ?? [];
        if (name) head[key = name] = rest;
        else if (key) head[key] += ` ${line.trim()}`;
    }
    return {
        name: file.replace(/\.patch$/, ''),
        head,
        rules: listOf(head.rule),
        checkNames: listOf(head.checks),
        diff: text.slice(top.length),
    };
}

export function mutants() {
    return fs.readdirSync(here).filter((f) => f.endsWith('.patch')).sort()
        .map(mutantOf);
}

// No fuzz: a patch whose lines have changed does not apply.  Git looks at the
// paths of a repository around it, so it is told of none.
function gitApply(dir, options, diff) {
    return run('git', ['apply', ...options, '-'], {
        cwd: dir,
        input: diff,
        env: { ...process.env, GIT_CEILING_DIRECTORIES: path.dirname(dir) },
    });
}

export async function applyFault(m) {
    const { code, out } = await run('git', ['apply', '--check', '-'],
        { cwd: root, input: m.diff });
    return code === 0 ? '' : out.trim();
}

// ---- a copy of the tree

// The same flags as in the root, so that its objects serve: CURDIR stands in
// them.  What a make around this one has set is not for the copy.
function makeEnv() {
    const env = { ...process.env, MAKELEVEL: '1' };

    for (const name of ['MAKEFLAGS', 'MFLAGS', 'UNIT', 'V'])
        delete env[name];
    return env;
}

// What of the root goes into a copy: its sources, and of each build the objects
// and the files that say how they were made.
function copied() {
    const list = fs.readdirSync(root)
        .filter((name) => !['.git', 'build', 'node_modules'].includes(name));

    for (const build of ['build', 'build/san']) {
        const at = path.join(root, build);
        const found = fs.existsSync(at)
            ? fs.readdirSync(at, { withFileTypes: true }) : [];

        list.push(...found
            .filter((f) => f.isFile() || ['gen', 'obj'].includes(f.name))
            .map((f) => `${build}/${f.name}`));
    }
    return list;
}

export class Tree {
    constructor(name, cores = os.cpus().length) {
        this.dir = path.join(home, `tree${name}`);
        this.cores = cores;
        this.touched = [];
    }

    async copy() {
        fs.rmSync(this.dir, { recursive: true, force: true });
        fs.mkdirSync(this.dir, { recursive: true });
        const { code, out } = await run('sh', ['-c',
            'tar --format=posix -cf - "$@" | tar -C "$0" -xf -',
            this.dir, ...copied()], { cwd: root });
        if (code !== 0) throw new Error(out);
    }

    // Empty, or what the compiler said; a warning is an error.
    async build(targets) {
        const { code, out } = await run('make', ['-k', `-j${this.cores}`,
            'WERROR=1', `CURDIR=${root}`, ...targets],
            { cwd: this.dir, env: makeEnv() });
        return code === 0 ? '' : out;
    }

    async plant(m) {
        this.touched = [...m.diff.matchAll(/^--- a\/(\S+)$/gm)]
            .map(([, file]) => path.join(this.dir, file))
            .map((file) => [file, fs.readFileSync(file)]);
        const { code, out } = await gitApply(this.dir, [], m.diff);
        return code === 0 ? '' : out.trim();
    }

    uproot() {
        for (const [file, bytes] of this.touched) fs.writeFileSync(file, bytes);
        this.touched = [];
    }

    // Run a check's program, of this tree or another folder, once.
    async attempt(check, seed, dir = this.dir) {
        const { code, out } = await run('sh', ['-c', LIMITED,
            String(check.seconds), check.isSim ? '2000000' : 'unlimited',
            path.join(dir, check.program), ...check.args(seed)], {
            cwd: this.dir,
            env: { ...process.env, ASAN_OPTIONS:
                (process.env.ASAN_OPTIONS ?? '') + ASAN_LIMIT },
        });
        const said = check.said(out) ?? `ended by ${code}`;
        return { failed: code !== 0, said };
    }

    // Keep a program as it is now; it is run as that of the folder returned.
    keep(check) {
        const dir = `${this.dir}-sound`;
        const to = path.join(dir, check.program);

        fs.mkdirSync(path.dirname(to), { recursive: true });
        fs.copyFileSync(path.join(this.dir, check.program), to);
        return dir;
    }
}
