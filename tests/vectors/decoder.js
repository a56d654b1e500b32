// A second reader of covey's formats, written from docs/protocol.md alone: it
// checks each vector of this folder and says what it found in it.
//
// usage: node tests/vectors/decoder.js [NAME...]   e.g. batch epochs
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { authorCertificate, memberCertificate, nodeCertificate, papers } from
    './certificates.js';
import { emptyState, follow, openHistory, openKeys, readEpoch } from
    './membership.js';
import { decode } from './msgpack.js';
import { Cipher, Handshake, openMessage, sealMessage, unframe } from
    './noise.js';
import { ascii, blake2b, dhKeyOf, H, K, openBox, Reader, signKeyOf, u32, u64,
    verify } from './primitives.js';
import { headerHolds, openPayload, readHeader, readPart, readPayload, Row }
    from './rows.js';

const hex = (text) => Buffer.from(text, 'hex');
const text = (bytes) => bytes.toString('hex');
const same = (bytes, expected, what) => assert.equal(text(bytes), expected,
    what);
const fixed = (bytes, length) => assert.equal(bytes.length, length);

// ---- certificates

function recoveryCode(seed) {
    const bytes = Buffer.concat([seed,
        H('covey/1 recovery code', seed).subarray(0, 3)]);
    const bits = BigInt(`0x${text(bytes)}`).toString(2).padStart(280, '0');

    return bits.match(/.{5}/g)
        .map((five) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[parseInt(five, 2)])
        .join('').match(/.{7}/g).join('-');
}

function author(v, space, out) {
    const seed = K(hex(v.node_secret), 'covey/1 author', hex(v.label));
    const cert = authorCertificate(hex(v.certificate));

    same(seed, v.seed);
    same(signKeyOf(seed), v.key);
    same(cert.author, v.key);
    same(cert.node, text(signKeyOf(hex(v.node_secret))));
    same(cert.space, space);
    out(`author ${v.key}`);
}

function identity(v, out) {
    const seed = hex(v.member.recovery_seed);
    const member = memberCertificate(hex(v.member.certificate));
    const renewed = memberCertificate(hex(v.renewed.certificate),
        hex(v.member.certificate));
    const node = nodeCertificate(hex(v.node.certificate), member.identity);

    same(member.hash, v.member.id);
    same(member.identity, text(signKeyOf(hex(v.member.identity_secret))));
    same(member.backup, text(dhKeyOf(K(seed, 'covey/1 recovery backup'))));
    assert.equal(recoveryCode(seed), v.member.recovery_code);
    same(renewed.signer, text(signKeyOf(K(seed, 'covey/1 recovery sign'))));
    same(renewed.hash, v.renewed.hash);
    same(node.reading, text(dhKeyOf(hex(v.node.reading_secret))));
    same(node.noise, text(dhKeyOf(hex(v.node.noise_secret))));
    assert.equal(Number(node.issued), v.node.issued_ms);
    assert(renewed.revoked.includes(text(node.sign)));
    out(`member ${v.member.id}`);
    same(H('covey/1 space', hex(v.salt), hex(v.founder.key)).subarray(0, 16),
        v.space);
    author(v.founder, v.space, out);
    author(v.other, v.space, out);
}

// ---- change sets

function header(v, out) {
    for (const it of [v.no_cites, v.two_cites]) {
        const h = readHeader(hex(it.header));

        same(h.hash, it.hash);
        same(h.author, text(signKeyOf(hex(it.author_secret))));
        assert(headerHolds(h, hex(it.signature)));
        out(`header ${it.hash}: number ${h.number}, clock ${h.clock}, ` +
            `${h.cites.length} cites`);
    }
}

function payload(v, out) {
    const h = readHeader(hex(v.header));
    const whole = openPayload(h, hex(v.payload), hex(v.space_key));
    const erased = openPayload(h, hex(v.erased), hex(v.space_key));

    assert.equal(Number(whole.wall), v.wall_ms);
    assert.deepEqual(whole.rows.map(text), v.parts);
    assert.deepEqual(erased.rows.map((row) => row && text(row)),
        v.parts.map((part, i) => (i + 1 === v.erased_part ? null : part)));
    whole.rows.forEach((row) => out(rowLine(readPart(row))));
}

const plain = (value) => (typeof value === 'bigint' ? Number(value) : value);
const rowLine = (part) => `table ${part.table} row ${text(part.row)}: ` +
    part.cells.map((c) => `${c.column}=${JSON.stringify(plain(c.value))}` +
        (c.replaced.length > 0 ? ` over ${c.replaced.join('+')}` : ''))
        .join(', ');

function rowpart(v, out) {
    for (const it of Object.values(v)) {
        const part = readPart(hex(it.bytes));

        assert.equal(part.table, it.table);
        same(part.row, it.row);
        assert.deepEqual(part.cells.map((c) => ({ ...c,
            value: plain(c.value) })), it.cells);
        out(rowLine(part));
    }
}

function rows(v, out) {
    for (const [name, it] of Object.entries(v)) {
        const all = it.steps.map((step) => ({ part: readPart(hex(step.part)),
            stamp: { clock: step.clock, author: hex(step.author),
                name: step.name } }));

        all.forEach(({ part }) => same(part.row, it.row));
        it.steps.forEach((step, i) => {
            for (const order of [1, -1]) { // the order does not matter
                const row = new Row(it.table, hex(it.row));
                const sofar = all.slice(0, i + 1);

                (order > 0 ? sofar : sofar.reverse()).forEach((s) =>
                    row.apply(s.part, s.stamp));
                same(row.hash, step.hash, `${name}: ${step.text}`);
                assert.equal(row.alive, step.alive === 1, step.text);
                if (order > 0) out(`${step.text}: ${row.alive ? 'shows'
                    : 'is gone:'} ${JSON.stringify(row.shown)}`);
            }
        });
    }
}

const bucketOf = (length) => {
    if (length < 2) return length;

    const e = Math.floor(Math.log2(length));
    const step = 2 ** (e - Math.floor(Math.log2(e)) - 1);

    return Math.ceil(length / step) * step;
};

function padding(v, out) {
    const headOf = (n) => (n < 256 ? 2 : n < 65536 ? 3 : 5);

    for (const { length, bucket, padding: expected } of v) {
        let full = bucketOf(length + 2);
        let found;

        assert.equal(bucketOf(length), bucket);
        while (found === undefined) {
            found = [2, 3, 5].map((head) => full - length - head).find((n, i) =>
                n >= 0 && headOf(n) === [2, 3, 5][i]);
            if (found === undefined) full = bucketOf(full + 1);
        }
        assert.equal(found, expected);
    }
    out(`${v.length} lengths`);
}

// ---- epochs and joining

function epochs(v, out) {
    const readers = v.reading_secrets.map(hex);
    const keys = [];
    let state = emptyState(hex(v.space));

    for (const it of v.epochs) {
        const e = readEpoch(hex(it.bytes));
        const given = readers.map((secret) => openKeys(e, secret))
            .filter((k) => k !== undefined);

        same(e.hash, it.hash);
        given.forEach((k) => same(k.key, it.key));
        given.forEach((k) => k.history.equals(Buffer.alloc(32)) ||
            same(k.history, it.history));
        if (e.history.length > 0) {
            const old = openHistory(e, hex(it.history));

            same(old.key, v.epochs[it.number - 1].key);
            same(old.history, v.epochs[it.number - 1].history);
        }
        keys[it.key_number] ??= given[0].key;
        state = follow(state, e, { key: keys[it.key_number] });
        same(e.result, it.membership);
        out(`epoch ${it.number} of ${state.name}: ${state.seats.map((t) =>
            `${t.name} (${t.present ? `role ${t.role}` : 'left'})`)
            .join(', ')}; ${given.length} boxes`);
    }
}

function ticket(v, out) {
    const bytes = Buffer.from(v.text.slice('covey1'.length), 'base64url');
    const body = bytes.subarray(0, -4);
    const r = new Reader(body);
    const secret = hex(v.secret);

    assert(v.text.startsWith('covey1'));
    assert.deepEqual(H('covey/1 ticket', body).subarray(0, 4),
        bytes.subarray(-4));
    assert.equal(r.u8(), 1);
    same(r.take(16), v.space);
    same(r.take(32), v.secret);
    same(r.take(32), v.chair);
    assert.equal(r.u32() * 60000, v.expires_ms);
    assert.deepEqual(Array.from({ length: r.u8() }, () =>
        `${r.hex(32)}@${r.take(r.u8())}`), v.addresses);
    r.end();
    same(K(secret, 'covey/1 invite id').subarray(0, 16), v.invite);
    same(K(secret, 'covey/1 invite door'), v.door);
    same(K(secret, 'covey/1 invite join'), v.join);
    out(`invite ${v.invite} at ${v.addresses.join(', ')}`);
}

function request(v, out) {
    const bytes = openBox(hex(v.reading_secret), hex(v.invite), hex(v.sealed));
    const body = bytes.subarray(0, -32);
    const [space, invite, kind, urn, name, member, node, authorCert, address] =
        decode(body);

    assert.deepEqual(K(hex(v.join), 'covey/1 join code', body),
        bytes.subarray(-32));
    same(invite, v.invite);
    papers(space, member, node, authorCert);
    assert.equal(name, v.name);
    assert.equal(address, v.address);
    out(`${name}, kind ${kind}, URN ${urn}, at ${address}`);
}

// ---- connections

const blindOf = (hash, space, namer) => H('covey/1 blind', hash, space,
    Buffer.from([namer])).subarray(0, 16);

// The blind and author of a proof that holds.
function readProof(bytes, hash, prover) {
    const r = new Reader(bytes);
    const proof = { blind: r.take(16), author: r.take(32) };

    assert(verify(proof.author, Buffer.concat([ascii('covey/1 proof'), hash,
        prover, proof.blind]), r.take(64)), 'a proof does not hold');
    r.end();
    return proof;
}

function proof(v, out) {
    const hash = hex(v.handshake_hash);
    const r = new Reader(hex(v.carry));
    const { author: key, blind } = readProof(hex(v.proof), hash, hex(v.prover));

    same(blindOf(hash, hex(v.space), 0), v.blind_by_initiator);
    same(blindOf(hash, hex(v.space), 1), v.blind_by_responder);
    same(blind, v.blind_by_initiator);
    same(r.take(16), v.space);
    assert.deepEqual(r.take(32), key);
    assert(verify(key, Buffer.concat([ascii('covey/1 carry'), hash,
        hex(v.space)]), r.take(64)));
    out(`proven by ${text(key)}`);
}

const KINDS = ['', 'HELLO', 'PROVE', 'OFFER', 'EPOCHS', 'FRONTIER', 'BATCH',
    'ACK', 'PING', 'PONG', 'REQUESTS', 'DOOR_LEAVE', 'DOOR_ANSWER',
    'CARRY_ANSWER', 'CLOSE'];

const show = (value) => JSON.stringify(value, (_, it) =>
    (it?.type === 'Buffer' ? text(Buffer.from(it.data)) : plain(it)));

// The frames after the handshake, opened; each: from, kind, body.
function talk(v, ciphers, out) {
    const of = { initiator: ciphers[0], responder: ciphers[1] };

    return v.frames.slice(3).map(({ from, frame }) => {
        const { kind, body } = openMessage(of[from], hex(frame));

        out(`${from}: ${KINDS[kind]} ${show(decode(body))}`);
        return { from, kind: KINDS[kind], body };
    });
}

function session(v, out) {
    const hs = new Handshake(1, v.initiator, v.responder);
    const [first, second, third] = v.frames.map((f) => unframe(hex(f.frame)));
    const prover = dhKeyOf(hex(v.initiator.static_secret));

    assert.equal(first[0], 1);
    fixed(hs.read(1, first.subarray(1)), 0);
    fixed(hs.read(2, second), 0);

    const hash2 = hs.h;
    const claim = hs.read(3, third);

    assert.equal(claim[0], 1);
    same(hs.h, v.handshake_hash);
    for (const { from, kind, body } of talk(v, hs.split(), out)) {
        const role = from === 'initiator' ? 0 : 1;
        const blind = blindOf(hs.h, hex(v.space), role);

        if (kind === 'OFFER') assert.deepEqual(decode(body)[0], blind);
        if (kind !== 'PROVE') continue;
        const said = readProof(decode(body)[0], hs.h, prover);

        assert.deepEqual(said.blind, blind);
        same(said.author, v.author);
    }

    const { blind, author: key } = readProof(claim.subarray(1), hash2, prover);

    assert.deepEqual(blind, blindOf(hash2, hex(v.space), 0));
    same(key, v.author);
}

function door(v, out) {
    const hs = new Handshake(2, v.initiator, v.responder, hex(v.door));
    const [first, second, third] = v.frames.map((f) => unframe(hex(f.frame)));

    assert.equal(first[0], 2);
    same(hs.read(1, first.subarray(1)), v.invite);
    fixed(hs.read(2, second), 0);
    fixed(hs.read(3, third), 0);
    same(hs.h, v.handshake_hash);
    talk(v, hs.split(), out);
}

function messages(v, out) {
    assert.deepEqual(Object.keys(v).sort(), KINDS.slice(1).sort());
    for (const [kind, body] of Object.entries(v)) {
        if (kind === 'FRONTIER') out(`${kind} ${show(readFrontier(hex(body)))}`);
        else if (kind === 'BATCH') fixed(hex(body), 20);
        else out(`${kind} ${show(decode(hex(body)))}`);
    }
}

function fragments(v, out) {
    const body = Buffer.from(Array.from({ length: v.body_length }, (_, i) =>
        i % 251));
    const wire = sealMessage(new Cipher(hex(v.key)), v.kind, body);

    assert.equal(wire.length, v.wire_length);
    same(crypto.createHash('sha256').update(wire).digest(), v.sha256);
    out(`${v.body_length} bytes in ${v.wire_length}`);
}

function rekey(v, out) {
    const cipher = new Cipher(hex(v.key));
    const message = () => sealMessage(cipher, v.kind, hex(v.body));

    for (let i = 1; i < 1024; i++) message();
    same(message(), v.message_1024);
    same(message(), v.message_1025);
    same(cipher.key, v.next_key);
    out(`next key ${v.next_key}`);
}

// ---- batches and frontiers

// Everything of a record, and what it leaves out as undefined.
function readRecord(r, logs, before) {
    const flags = r.u8();

    assert(flags < 16);
    if (flags & 1) logs.push({ author: r.take(32), incarnation: r.take(8) });

    const log = logs[flags & 1 ? logs.length - 1 : Number(r.leb())];

    assert(!(flags & 1) || flags & 2);
    log.number = flags & 2 ? r.leb() : log.number + 1n;

    const record = { log, number: log.number,
        previous: flags & 4 ? r.take(32) : undefined,
        epoch: flags & 8 ? r.take(32) : before?.epoch };

    record.cites = Array.from({ length: r.u8() }, () => {
        const back = Number(r.leb());

        return back > 0 ? back : r.take(32);
    });
    record.payload = r.take(Number(r.leb()));
    record.signature = r.take(64);
    return record;
}

// Put back what a record leaves out: held are the change sets that stand
// already, in order, sofar those of this batch.
function complete(space, record, held, sofar) {
    const { author: key, incarnation } = record.log;
    const isOf = (c) => c.author.equals(key) &&
        c.incarnation.equals(incarnation);
    const newest = [...sofar].reverse().find(isOf);
    const isDue = (c) => isOf(c) && c.number === record.number - 1n;
    const previous = record.previous ?? (newest && isDue(newest) ? newest
        : held.find(isDue)).hash;
    const cites = record.cites.map((cite) =>
        (typeof cite === 'number' ? sofar[sofar.length - cite].hash : cite));
    const past = [previous, ...cites].filter((it) =>
        !it.equals(Buffer.alloc(32))).map((it) =>
        [...held, ...sofar].find((c) => c.hash.equals(it)).clock);
    const clock = past.reduce((most, c) => (c > most ? c : most), 0n) + 1n;
    const { hash, length } = readPayload(record.payload);

    return readHeader(Buffer.concat([ascii('covey/1 header'), Buffer.alloc(2),
        space, key, incarnation, u64(record.number), previous, record.epoch,
        Buffer.from([cites.length]), ...cites, u64(clock), u32(length), hash]));
}

function batch(v, out) {
    const r = new Reader(hex(v.body));
    const held = v.held.map((it) => readHeader(hex(it.header)));
    const keys = Object.fromEntries(v.epochs.map((e) => [e.hash, hex(e.key)]));
    const logs = [];
    const sofar = [];
    let record;

    same(r.take(16), v.blind);
    assert.equal(r.u32(), v.sequence);
    while (r.left > 0) {
        const full = v.full[sofar.length];

        record = readRecord(r, logs, record);

        const h = complete(hex(v.space), record, held, sofar);
        const { kind, rows: found } = openPayload(h, record.payload,
            keys[text(record.epoch)]);

        same(h.bytes, full.header);
        same(h.hash, full.hash);
        same(record.signature, full.signature);
        same(record.payload, full.payload);
        assert(headerHolds(h, record.signature));
        sofar.push(h);
        out(`number ${h.number}, clock ${h.clock}, kind ${kind}`);
        found.forEach((row) => out(rowLine(readPart(row))));
    }
    assert.equal(sofar.length, v.full.length);
}

function readFrontier(bytes) {
    const r = new Reader(bytes);
    const out = { blind: r.take(16), last: r.u8(), entries: [] };

    while (r.left > 0) out.entries.push(r.take(80));
    return out;
}

function frontier(v, out) {
    const { blind, last, entries } = readFrontier(hex(v.body));

    same(blind, v.blind);
    assert.equal(last, 1);
    assert.deepEqual([...entries].sort(Buffer.compare), entries);
    same(H('covey/1 frontier', ...entries), v.digest);
    same(H('covey/1 frontier'), v.digest_of_none);
    out(`${entries.length} heads, digest ${v.digest}`);
}

// BLAKE2b against the one that node:crypto has.
assert.deepEqual(blake2b(ascii('abc'), undefined, 64),
    crypto.createHash('blake2b512').update('abc').digest());

export const checks = {
    identity, epochs, ticket, request, header, rowpart, payload, rows, padding,
    proof, session, door, messages, fragments, rekey, batch, frontier,
};

export const read = (name) =>
    JSON.parse(fs.readFileSync(new URL(`${name}.json`, import.meta.url)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const names = process.argv.slice(2);

    for (const name of names.length > 0 ? names : Object.keys(checks)) {
        console.log(`${name}.json`);
        checks[name](read(name), (line) => console.log(`    ${line}`));
    }
}
