// The figures: two real daemons over loopback, with what plain SQLite does on
// the same machine in the same run.  Nothing is asserted but that both hold the
// same at the end.  ROWS=100000 by default.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Cluster, run } from '../support/cluster.js';

const ROWS = Number(process.env.ROWS || 100000);
const EDITS = Number(process.env.EDITS || 300);
const results = [];

const clock = () => Number(process.hrtime.bigint()) / 1e6;
const report = (what, figure, unit, beside = '') => {
    results.push({ what, figure, unit, beside });
    console.log(`${what.padEnd(58)} ${String(figure).padStart(12)} ${unit.padEnd(8)} ${beside}`);
};
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const TITLE = 'Share year 4 reading records, forty chars';
const NOTE = 'A note of some hundred and twenty characters, as people write them about what they have agreed to do by when and why.';

// SQL that inserts `rows` rows, a hundred a transaction, into one table.
function script(rows, table, extra, values) {
    const lines = ['PRAGMA synchronous=FULL;', 'PRAGMA wal_autocheckpoint=0;'];
    for (let i = 0; i < rows; i += 100) {
        lines.push(`BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.min(100, rows - i)}) `
            + `INSERT INTO ${table}(${extra}title, due, note) SELECT ${values}'${TITLE} ' || (i + ${i}), '2027-02-12', '${NOTE}' FROM n; COMMIT;`);
    }
    return lines.join('\n');
}

async function timed(db, sql) {
    const begun = clock();
    const r = await run('sqlite3', [db], { input: sql, timeout: 600000 });
    assert.equal(r.err, '');
    return clock() - begun;
}

async function plain(dir) {
    const db = path.join(dir, 'plain.db');
    // The same time-ordered ids as covey's tables make.
    await run('sqlite3', [db, "PRAGMA journal_mode=WAL; CREATE TABLE action(id TEXT NOT NULL PRIMARY KEY DEFAULT (printf('%012x',"
        + " CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)) || '00112233aabb' || lower(hex(randomblob(8)))),"
        + ' title TEXT, owner TEXT, status TEXT, due TEXT, note TEXT) STRICT;']);
    return timed(db, script(ROWS, 'action', '', ''));
}

// What the machine can do, raw: for the figures above to be read against.
function limits(dir) {
    const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
    const message = Buffer.alloc(200);
    const signature = crypto.sign(null, message, privateKey);
    const rate = (job, ms = 400) => {
        let n = 0;
        const begun = clock();
        for (; clock() - begun < ms; n++) job();
        return Math.round((n / (clock() - begun)) * 1000);
    };
    const fd = fs.openSync(path.join(dir, 'sync'), 'w');
    const page = Buffer.alloc(4096);
    report('machine: Ed25519 verify', rate(() => crypto.verify(null, message, publicKey, signature)), '/s');
    report('machine: fdatasync of a 4 KiB overwrite', rate(() => {
        fs.writeSync(fd, page, 0, 4096, 0);
        fs.fdatasyncSync(fd);
    }), '/s');
    fs.closeSync(fd);
}

const rss = (node) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.child.pid}/status`, 'utf8'))[1]) / 1024;

function ask(node, method, route, body) {
    return new Promise((resolve, reject) => {
        const r = http.request({ socketPath: path.join(node.dir, 'covey.sock'), method, path: route }, (answer) => {
            let text = '';
            answer.on('data', (d) => { text += d; });
            answer.on('end', () => resolve(JSON.parse(text)));
        });
        r.on('error', reject);
        r.end(body && JSON.stringify(body));
    });
}

// Calls back with each change event of a node.
function listen(node, onEvent) {
    return new Promise((resolve) => {
        const r = http.get({ socketPath: path.join(node.dir, 'covey.sock'), path: '/api/events' }, (answer) => {
            answer.on('data', (d) => onEvent(String(d)));
            resolve(() => r.destroy());
        });
    });
}

async function live(a, b, id) {
    let arrived;
    const stop = await listen(b, (text) => { if (text.includes(id) && arrived) arrived(clock()); });
    const waits = [];
    const sent = async () => (await a.json(['peer', 'list'])).reduce((n, p) => n + p.sent_bytes + p.received_bytes, 0);
    const before = await sent();
    for (let i = 0; i < EDITS; i++) {
        const seen = new Promise((resolve) => { arrived = resolve; });
        await ask(a, 'PATCH', `/api/actions/${id}`, { note: `Edit number ${String(i).padStart(4, '0')} of the note` });
        const told = clock();
        waits.push((await seen) - told);
    }
    const bytes = (await sent()) - before;
    stop();
    waits.sort((x, y) => x - y);
    report('live: answered at A to event at B, p50', at(waits, 0.5).toFixed(2), 'ms', 'goal 2');
    report('live: the same, p99', at(waits, 0.99).toFixed(2), 'ms', 'goal 6');
    report('wire: one cell, both ways, acknowledgement included', (bytes / EDITS).toFixed(0), 'bytes', 'goal 320');
}

async function main() {
    const cluster = new Cluster();
    const a = cluster.node('Ashbrook Lower', { listen: true });
    const b = cluster.node('Rivermead Middle');
    console.log(`${os.cpus()[0].model}, ${os.cpus().length} cores; ${ROWS} rows\n`);
    limits(cluster.dir);
    await cluster.up(a, b);
    report('resident, idle', rss(a).toFixed(1), 'MB', 'goal 12');
    const space = await a.line(['space', 'create', 'Bench', '--admit', 'at-once']);
    const base = await plain(cluster.dir);
    report('plain SQLite, 100 rows a transaction, FULL', Math.round(ROWS / base * 1000), 'rows/s');
    await a.stop();
    const db = path.join(a.dir, 'record.db');
    const guarded = await timed(db, script(ROWS, 'action', 'space, ', `'${space}', `));
    report('the same with guards and capture', Math.round(ROWS / guarded * 1000), 'rows/s', `${(guarded / base).toFixed(2)} times plain; goal 1.3`);
    const begun = clock();
    await a.start();
    await (await import('../support/cluster.js')).until('sealed', async () => (await a.space(space)).unsealed === 0 && (await a.space(space)).rows >= ROWS, 600);
    report('sealing them after a start', Math.round(ROWS / (clock() - begun) * 1000), 'rows/s');
    const ticket = await a.line(['invite', space]);
    const joined = clock();
    await b.covey(['join', ticket, '--wait', '600'], { timeout: 600000 });
    const took = clock() - joined;
    report('catch-up of an empty member', Math.round(ROWS / took * 1000), 'rows/s', `${(took / 1000).toFixed(1)} s; ${(base / took).toFixed(2)} of plain`);
    await cluster.converged(space, [a, b]);
    const [peer] = (await a.json(['peer', 'list'])).filter((p) => p.state === 'connected');
    report('wire: bytes a row caught up', (peer.sent_bytes / ROWS).toFixed(0), 'bytes', 'the row itself: about 170');
    report('resident after it: sender, receiver', `${rss(a).toFixed(0)}, ${rss(b).toFixed(0)}`, 'MB', 'goal 64');
    const id = await a.line(['action', 'add', '--space', space, '--title', 'Live', '--note', 'x']);
    await cluster.converged(space, [a, b]);
    await live(a, b, id);
    report('disk a row, log and clocks included', (fs.statSync(db).size / ROWS).toFixed(0), 'bytes', `plain ${(fs.statSync(path.join(cluster.dir, 'plain.db')).size / ROWS).toFixed(0)}`);
    fs.mkdirSync('build', { recursive: true });
    fs.writeFileSync('build/bench.json', JSON.stringify({ cpu: os.cpus()[0].model, rows: ROWS, results }, null, 2));
    await cluster.end();
}

await main();
