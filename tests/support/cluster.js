// Real daemons in folders of their own, driven through the command line alone.
//
// Used by the end-to-end tests and the demo.  Every school is a Node: start it,
// stop it, kill it, ask it.  Nothing here sleeps to wait for something: it asks
// until the answer is there or the time is up.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const build = process.env.COVEY_BUILD || path.join(root, 'build');
export const COVEYD = path.join(build, 'coveyd');
export const COVEY = path.join(build, 'covey');

// A program that watches each daemon, with its arguments, and how many times as
// long everything may take then (tests/inspect/).
const watcher = (process.env.COVEY_UNDER || '').split(' ').filter(Boolean);
const patience = Number(process.env.COVEY_PATIENCE || 1);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Run a program to its end; never throws for its exit code.
export function run(file, args, { input, env, timeout = 60000 * patience } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(file, args, { env: { ...process.env, ...env } });
        const out = [];
        const err = [];
        const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
        child.stdout.on('data', (d) => out.push(d));
        child.stderr.on('data', (d) => err.push(d));
        child.on('error', reject);
        child.on('close', (code, signal) => {
            clearTimeout(timer);
            resolve({
                code: code ?? `killed by ${signal}`,
                out: Buffer.concat(out).toString(),
                err: Buffer.concat(err).toString(),
            });
        });
        child.stdin.on('error', () => {});
        child.stdin.end(input);
    });
}

// Ask again and again until `look` gives something true.
export async function until(what, look, seconds = 30) {
    seconds *= patience;
    const end = Date.now() + seconds * 1000;
    let last;
    for (;;) {
        try {
            last = await look();
            if (last) return last;
        } catch (e) {
            last = e;
        }
        if (Date.now() > end) {
            const why = last instanceof Error ? last.message : JSON.stringify(last);
            throw new Error(`not in ${seconds} s: ${what} (last: ${why})`);
        }
        await pause(25);
    }
}

export class Node {
    constructor(cluster, name, { listen = false, args = [], init = [] } = {}) {
        Object.assign(this, { name, listen, args, init });
        this.dir = path.join(cluster.dir, name.toLowerCase().replace(/[^a-z0-9]+/g, '-'));
        this.port = 0;
        this.child = null;
        this.errors = '';
        cluster.nodes.push(this);
    }

    // Makes keys and record; gives the member's id.
    async create() {
        const r = await this.covey(['init', '--name', this.name, ...this.init]);
        this.member = r.out.trim();
        this.recovery = r.err;
        return this.member;
    }

    // `under`: a program and its arguments that run the daemon.
    async start({ under = watcher } = {}) {
        const args = [...under, COVEYD, '--data', this.dir, ...this.args];
        if (this.listen) args.push('--listen', `127.0.0.1:${this.port}`);
        const child = spawn(args[0], args.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
        this.child = child;
        this.ended = new Promise((resolve) => {
            child.on('exit', (code, signal) => resolve(code ?? signal));
        });
        child.stderr.on('data', (d) => {
            this.errors = (this.errors + d).slice(-20000);
        });
        const line = await this.firstLine(child);
        this.ready = Object.fromEntries(line.split(' ').slice(1).map((p) => p.split(/=(.*)/s)));
        const at = /:(\d+)$/.exec(this.ready.listen || '');
        if (at) this.port = Number(at[1]);
        return this;
    }

    firstLine(child) {
        return new Promise((resolve, reject) => {
            let text = '';
            child.stdout.on('data', (d) => {
                text += d;
                if (text.includes('\n')) resolve(text.split('\n')[0]);
            });
            this.ended.then((code) => reject(new Error(`coveyd of ${this.name} ended with ${code}: ${this.errors}`)));
        });
    }

    get running() {
        return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
    }

    async signal(name) {
        if (!this.running) return undefined;
        this.child.kill(name);
        return this.ended;
    }

    stop() {
        return this.signal('SIGTERM');
    }

    kill() {
        return this.signal('SIGKILL');
    }

    // Stop and go on: the machine is there, but does not answer.
    freeze() {
        this.child.kill('SIGSTOP');
    }

    thaw() {
        this.child.kill('SIGCONT');
    }

    // The command line, whatever comes of it.
    try(args, options) {
        return run(COVEY, ['--data', this.dir, ...args], options);
    }

    // The command line, which must succeed.
    async covey(args, options) {
        const r = await this.try(args, options);
        if (r.code !== 0) throw new Error(`covey ${args.join(' ')} at ${this.name}: exit ${r.code}: ${r.err}`);
        return r;
    }

    async line(args, options) {
        return (await this.covey(args, options)).out.trim();
    }

    async json(args, options) {
        return JSON.parse((await this.covey([...args, '--json'], options)).out);
    }

    async space(id) {
        const status = await this.json(['status']);
        return status.spaces.find((s) => s.id === id || s.name === id);
    }

    // Debian's sqlite3 shell on the record itself.  By itself it would not wait
    // for the write lock, which the daemon may hold at that moment.
    async sqlite(statement) {
        return run('sqlite3', ['-cmd', '.timeout 20000', path.join(this.dir, 'record.db'), statement]);
    }

    files() {
        const all = [];
        const walk = (dir) => {
            for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
                const p = path.join(dir, e.name);
                if (e.isDirectory()) walk(p);
                else if (e.isFile()) all.push(p);
            }
        };
        walk(this.dir);
        return all;
    }

    // Which of these words stand in any of its files, byte by byte.
    find(words) {
        const found = new Set();
        for (const file of this.files()) {
            const bytes = fs.readFileSync(file);
            for (const w of words) if (bytes.includes(w)) found.add(w);
        }
        return [...found];
    }
}

export class Cluster {
    constructor() {
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'covey-'));
        this.nodes = [];
    }

    node(name, options) {
        return new Node(this, name, options);
    }

    async up(...nodes) {
        for (const n of nodes) {
            await n.create();
            await n.start();
        }
    }

    async end({ keep = false } = {}) {
        // A daemon that is killed takes what it counted or saw with it.
        if (path.basename(build) !== 'build') await Promise.all(this.nodes.map((n) => n.stop()));
        await Promise.all(this.nodes.map((n) => n.kill()));
        if (!keep) fs.rmSync(this.dir, { recursive: true, force: true });
    }

    // Members with equal digests, everybody with equal frontiers, nothing
    // unsealed or waiting; gives the digest.
    async converged(space, members, carriers = [], seconds = 60) {
        return until(
            'all equal',
            async () => {
                const m = await Promise.all(members.map((n) => n.space(space)));
                const c = await Promise.all(carriers.map((n) => n.space(space)));
                const all = [...m, ...c];
                if (all.some((s) => !s)) return false;
                const frontier = JSON.stringify(all[0].frontier);
                const same =
                    all.every((s) => JSON.stringify(s.frontier) === frontier && s.waiting === 0) &&
                    m.every((s) => s.digest === m[0].digest && s.unsealed === 0);
                return same && { digest: m[0].digest, frontier: m[0].frontier, changeSets: m[0].change_sets };
            },
            seconds,
        );
    }
}

// A cluster of schools around one carrier: `schools` are nodes already up,
// `relay` runs with --carry-all.  Gives the space's id.
export async function form(chair, relay, schools, { name = 'Cluster', admit = 'at-once' } = {}) {
    const space = await chair.line(['space', 'create', name, '--admit', admit]);
    const address = await relay.line(['address']);
    await chair.covey(['space', 'carrier', space, address]);
    for (const school of schools) {
        const ticket = await chair.line(['invite', space]);
        await school.covey(['join', ticket, '--wait', '30']);
    }
    return space;
}

// Run tests one after the other, tell each, and end with the count.
export async function suite(title, tests) {
    let passed = 0;
    let failed = 0;
    const only = process.env.ONLY;
    for (const [name, test] of Object.entries(tests)) {
        if (only && !name.includes(only)) continue;
        const cluster = new Cluster();
        const begun = Date.now();
        try {
            await test(cluster);
            passed++;
            console.log(`ok    ${title}: ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
        } catch (e) {
            failed++;
            console.log(`FAIL  ${title}: ${name}\n      ${e.stack}`);
            for (const n of cluster.nodes) if (n.errors) console.log(`      ${n.name}: ${n.errors.slice(-2000)}`);
        } finally {
            await cluster.end();
        }
    }
    return { passed, failed };
}
