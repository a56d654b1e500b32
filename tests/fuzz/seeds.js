// First inputs for the fuzz targets, from the vectors: corpus/TARGET/seed-NAME.
//
// node tests/fuzz/seeds.js     writes them anew; the same each time
import fs from 'node:fs';
import path from 'node:path';
import { committed, root } from './campaign.js';

const vectors = (name) =>
    JSON.parse(fs.readFileSync(path.join(root, 'tests/vectors', `${name}.json`), 'utf8'));
const hex = (text) => Buffer.from(text, 'hex');
const byte = (...values) => Buffer.from(values);

// What fuzz_piece() takes.
function piece(bytes) {
    const length = Buffer.alloc(2);

    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
}

function seed(target, name, ...parts) {
    const dir = committed(target);

    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(path.join(dir, `seed-${name}`), Buffer.concat(parts));
}

const KINDS = [
    'HELLO', 'PROVE', 'OFFER', 'EPOCHS', 'FRONTIER', 'BATCH', 'ACK', 'PING',
    'PONG', 'REQUESTS', 'DOOR_LEAVE', 'DOOR_ANSWER', 'CARRY_ANSWER', 'CLOSE',
];

function messages() {
    const all = vectors('messages');

    for (const [i, kind] of KINDS.entries()) {
        seed('message', kind.toLowerCase(), byte(i + 1), hex(all[kind]));
        if (kind !== 'FRONTIER' && kind !== 'BATCH')
            seed('wire', kind.toLowerCase(), hex(all[kind]));
    }
    seed('message', 'frontier_of_some', byte(5), hex(vectors('frontier').body));
}

function changesets() {
    for (const [name, v] of Object.entries(vectors('header')))
        seed('header', name, hex(v.signature), hex(v.header));
    for (const [name, v] of Object.entries(vectors('rowpart')))
        if (v.bytes) seed('rowpart', name, hex(v.bytes));
}

// Mode 0 takes a payload as it is, mode 1 pieces to seal.
function payloads() {
    const v = vectors('payload');
    const first = hex('9300cf0000019b76daa800c403000000');

    seed('payload', 'whole', byte(0), hex(v.payload));
    seed('payload', 'erased', byte(2), hex(v.erased));
    seed('payload', 'newer_kind', byte(1, 0), piece(hex('93073dc400')));
    seed('payload', 'sealed', byte(1, v.parts.length), piece(first),
        ...v.parts.map((part) => piece(hex(part))));
}

const text = (words) => Buffer.from(words, 'utf8');

function people() {
    const ticket = vectors('ticket').text;
    const binary = Buffer.from(ticket.slice('covey1'.length), 'base64url');
    const key = '5c'.repeat(32);

    seed('ticket', 'text', byte(0), text(ticket));
    seed('ticket', 'binary', byte(1), binary.subarray(0, -4));
    for (const at of ['birch.example:4747', '192.0.2.7:1', '[2001:db8::7]:65535'])
        seed('ticket', `address_${at.length}`, byte(2), text(`${key}@${at}`));
    seed('ticket', 'recovery', byte(3), text(vectors('identity').member.recovery_code));
    seed('ticket', 'hex', byte(4), text(key));
}

// Bit 0, 1, 2 of the mode: sign the member's, node's, author's certificate.
function identities() {
    const v = vectors('identity');
    const member = hex(v.member.certificate);
    const renewed = hex(v.renewed.certificate);
    const node = hex(v.node.certificate);
    const author = hex(v.founder.certificate);
    const body = (cert, signatures) => piece(cert.subarray(0, -64 * signatures));

    seed('identity', 'raw', byte(0, 0, 0), piece(member), piece(node), piece(author));
    seed('identity', 'renewed', byte(0, 0, 0), piece(renewed), piece(node), piece(author));
    seed('identity', 'signed', byte(7, 0, 20), body(member, 1), body(node, 1), body(author, 2));
    seed('identity', 'signed_renewed', byte(7, 0, 20), body(renewed, 1), body(node, 1),
        body(author, 2));
    seed('request', 'raw', byte(0), hex(vectors('request').sealed));
    seed('request', 'written', byte(2, 0, 0, 7), piece(text('Birch')), piece(text('birch.example:1')));
}

function wires() {
    const hello = hex(vectors('messages').HELLO);

    seed('batch', 'five', hex(vectors('batch').body));
    for (const mode of [0, 1, 2, 3, 4, 5, 6, 7])
        seed('handshake', `mode_${mode}`, byte(mode), piece(text('one')),
            byte(1, 0, 3, 0x40), piece(text('two')), piece(text('three')), text('words'));
    seed('frame', 'hello', byte(0, 0, 0), piece(Buffer.concat([byte(0, 1), hello])));
    seed('frame', 'in_two', byte(0, 1, 0), piece(byte(1, 6, 1, 2)), byte(0), piece(byte(0, 3, 4)));
    seed('frame', 'raw', byte(0, 0, 0xff), piece(Buffer.alloc(20)));
    seed('frame', 'said', byte(1, 6, 0, 7), text('some words'));
}

// Mode 0 takes an epoch as it is, 1 edits one, 2 forges one.
function epochs() {
    for (const { number, bytes } of vectors('epochs').epochs)
        seed('epoch', `raw_${number}`, byte(0), hex(bytes));
    for (const which of [0, 1, 4, 8]) seed('epoch', `edited_${which}`, byte(1, which));
    seed('epoch', 'forged_nothing', byte(2));
    // author, invite used, seat and node of party 3
    seed('epoch', 'forged_admission', byte(2, 0, 4),
        byte(1, 3, 0, 2), byte(6, 3, 4, 2), byte(9, 3, 0, 2), byte(10, 3, 16, 2), byte(6));
    // cut, seat ended, with a new key and a box
    seed('epoch', 'forged_removal', byte(2, 1, 2), byte(2, 1, 0, 1), byte(12, 1, 0, 1), byte(2));
    // carrier, its name, terms
    seed('epoch', 'forged_carrier', byte(2, 0, 3), byte(3, 0, 2, 0), byte(13, 0, 2, 0),
        byte(8, 0, 1, 0));
}

// Scripts: bit 0 of the mode is "by hand", bit 1 a door.
function sessions() {
    const pump = byte(0, 0xff, 0xff);
    const say = (way, kind, words) =>
        Buffer.concat([byte(10 + way, kind - 2), piece(text(words))]);
    const wait = (tenths) => byte(6, tenths >> 8, tenths & 255);
    const hello = hex(vectors('messages').HELLO);
    const framed = (kind, body) =>
        Buffer.concat([byte(1 + 16 * kind, 0, body.length), body, byte(0)]);

    for (const proof of [0, 1, 2])
        seed('session', `talk_${proof}`, byte(4 * proof), pump, say(0, 6, 'one'), say(1, 7, 'two'),
            pump, say(0, 8, 'ping'), pump, wait(200), pump, wait(36000), pump);
    seed('session', 'door', byte(2), pump, say(0, 11, 'leave'), pump, say(1, 12, 'left'), pump);
    seed('session', 'wrong_psk', byte(34), pump);
    seed('session', 'refused', byte(16), pump, wait(100));
    seed('session', 'flipped', byte(0), byte(4, 0, 9, 1), pump);
    seed('session', 'in_pieces', byte(0), byte(2, 0, 9), byte(2, 0, 90), byte(3, 0, 9), pump);
    seed('session', 'closed', byte(0), pump, say(0, 6, 'one'), byte(8, 0), pump);
    seed('session', 'by_hand', byte(1, 0, 0, 0, 0), framed(1, hello), framed(6, text('batch')),
        framed(8, hex('9107')));
    seed('session', 'by_hand_door', byte(3, 16), Buffer.alloc(16, 8), byte(0, 0, 0),
        framed(1, hello), framed(11, hex(vectors('messages').DOOR_LEAVE)));
}

function requests() {
    const ask = (method, target, body = '') =>
        Buffer.concat([byte(0, method), piece(text(target)), text(body)]);
    const id = '01'.repeat(20);
    const guard = (has, ...texts) =>
        Buffer.concat([byte(1, has), ...texts.map((words) => piece(text(words)))]);
    const token = 'a'.repeat(64);

    seed('http', 'status', ask(0, '/api/status'));
    seed('http', 'list', ask(0, '/api/priorities?space=%35%61&status=open'));
    seed('http', 'one', ask(0, `/api/actions/${id}`));
    seed('http', 'log', ask(0, '/api/spaces/5a/log?row=%C3%A9+x'));
    seed('http', 'write', ask(1, '/api/priorities', '{"title":"Reading"}'));
    seed('http', 'change', ask(2, `/api/priorities/${id}`, '{"title":null}'));
    seed('http', 'delete', ask(3, `/api/priorities/${id}`));
    seed('http', 'no_method', ask(4, '/api/status'));
    seed('http', 'guard', guard(9, '/api/status', 'localhost:8080', '', '', token));
    seed('http', 'guard_origin', guard(7, '/api', '[::1]:8080', 'http://127.0.0.5:8080',
        `Bearer ${token}`, ''));
    seed('http', 'error', byte(2), text('a "word"\n'));
}

function files() {
    const conf = 'listen = 127.0.0.1:0\n# words\ncarry-all = yes\ndial = ' +
        `${'5c'.repeat(32)}@birch.example:1\n`;
    const secrets = ['identity', 'sign', 'noise', 'reading', 'nonce']
        .map((word, i) => `${word} ${`0${i}`.repeat(32)}\n`);

    seed('config', 'file', byte(0), text(conf));
    seed('config', 'flags', byte(1), text('--listen\n[::1]:4100\n--dial=x\n--init\n'));
    for (const at of ['127.0.0.1:0', '[::1]:4100', '[::ffff:10.0.0.1]:9', 'birch.example:1'])
        seed('config', `endpoint_${at.length}`, byte(2), text(at));
    seed('config', 'keys', byte(4), text(`covey keys 1\n${secrets.join('')}`));
    seed('config', 'token', byte(5), text(`${'a'.repeat(64)}\n`));
}

// What a daemon answers, for the verbs of fuzz_cli.c by their place there.
function answers() {
    const id = '018f3a5b7c2de91f0044aa6b0c1d2e3f40516273';
    const key = '5c'.repeat(32);
    const spaces = [{ id: '5a'.repeat(16), name: 'North', kind: 'cluster', role: 'chair',
        carried: false, rows: 3, members: 2 }];
    const members = [{ id: key, name: 'Birch', role: 'chair', kind: 'school', urn: 123456,
        present: true }];
    const kept = [{ column: 'due', value: '2026-12-18', name: 'Oak', wall: '2026-11-24T10:42:07Z' },
        { column: 'exists', value: 1, member: key, wall: null }];
    const row = { id, space: '5a'.repeat(16), title: 'Reading', status: 'open', lead: key,
        lead_name: 'Birch', owner_name: 'Oak', due: '2026-12-01', phases: ['a', 'b'],
        principles: ['c'], author_name: 'Oak', kept };
    const peer = { name: 'Oak', state: 'connected', behind: 2, last_heard_s: 90, sent_bytes: 1500000,
        received_bytes: 3, address: 'oak.example:1', key };
    const status = { name: 'Birch', member: key, node: key, size_bytes: 20000, strangers: 1,
        altered: 'by hand', locked_s: 4, clock_offset_ms: 200000, peers: [peer],
        spaces: [{ ...spaces[0], carriers: 1, change_sets: 7, unsealed: 1, waiting: 2, conflicts: 1,
            void: 1, stale: ['Elm', { name: 'Ash' }] }] };
    const entry = { name: 'Oak', wall: '2026-11-24T10:42:07Z', number: 3, hash: key, state: 'counts',
        rows: [{ change: 'update', table: 'action', id, columns: ['due'] }] };
    const word = (value) => Buffer.from([value >> 8, value & 255]);
    const reply = (value, code = 200) =>
        Buffer.concat([word(code), piece(text(JSON.stringify(value)))]);
    const run = (name, verb, ...replies) => seed('cli', name, byte(verb, 0), ...replies);

    run('status', 0, reply(status));
    run('address', 1, reply({ key, address: `${key}@a.example:1` }));
    run('space_list', 2, reply(spaces));
    run('space_show', 4, reply(spaces), reply(spaces[0]), reply(members));
    run('requests', 5, reply(spaces), reply([{ request: 1, name: 'Elm', fingerprint: '1234 5678' }]));
    run('member_list', 8, reply(spaces), reply(members));
    run('invite', 9, reply(spaces), reply({ ticket: 'covey1AXO', days: 14 }));
    run('join', 10, reply({ id: '5a'.repeat(16), state: 'member', name: 'North' }));
    run('rows', 11, reply(spaces), reply([row]), reply([row]));
    run('row', 13, reply(row), reply(spaces), reply([]));
    run('row_add', 14, reply({ member: key, name: 'Birch' }), reply(spaces), reply(members),
        reply({ id }));
    run('comments', 20, reply([{ id, author_name: 'Oak', text: 'words\nmore' }]));
    run('log', 22, reply(spaces), reply([entry]));
    run('sql', 23, reply({ columns: ['a', 'b'], rows: [[1, 'x'], [null, 2.5]], changed: 0 }));
    seed('cli', 'watch', byte(24, 0), reply(spaces),
        byte(90), text(`data: {"change":"update","table":"action","id":"${id}"}\n\n`));
    run('peers', 26, reply([peer]));
    run('refused', 0, reply({ error: { code: 'ambiguous', text: 'two of them' } }, 409));
    run('nothing', 0, word(200), word(0));
}

// Steps of fuzz_node.c.
function members() {
    const cell = (words) => Buffer.concat([byte(5, words.length), text(words), byte(0)]);
    const exists = (yes) => byte(yes, 0, 0);
    const row = (whose, names, columns, ...cells) =>
        Buffer.concat([byte(0, whose, names.length, ...names, 0, columns, 0), ...cells]);
    const set = (run, cites, bend, ...rows) =>
        Buffer.concat([byte(rows.length, run, cites, bend), ...rows, byte(0)]);
    const batch = (...sets) => Buffer.concat([byte(0, sets.length - 1), ...sets]);
    const made = row(8, [], 7, exists(1), cell('one'), cell('why'));
    const say = (kind, how, body) => Buffer.concat([byte(3, kind - 2, how), piece(body)]);
    const write = (which) => byte(5, which);
    const wait = (seconds) => byte(6 + 8 * (seconds - 1));

    seed('node', 'honest', batch(set(1, 0, 0, made)));
    seed('node', 'chain', batch(set(1, 1, 0, made), set(1, 3, 0, row(8, [3], 2, cell('two')))),
        write(0), batch(set(1, 1, 0, row(8, [], 2, cell('three')))), wait(3));
    seed('node', 'twice', batch(set(1, 0, 0, made, made)));
    seed('node', 'not_mine', batch(set(1, 0, 0, row(14, [], 3, exists(1), cell('x')))));
    for (const bend of [1, 2, 3, 4, 5]) seed('node', `bent_${bend}`, batch(set(1, 0, bend, made)));
    seed('node', 'delete', batch(set(1, 0, 0, made)),
        batch(set(1, 1, 0, row(8, [3], 1, exists(0)))), write(3), wait(2));
    seed('node', 'two_runs', batch(set(0, 0, 0, made), set(1, 0, 0, made)), write(2), byte(7),
        batch(set(2, 7, 0, made)));
    for (const kind of [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13])
        seed('node', `says_${kind}`, say(kind, 5, hex('00'.repeat(20))));
    seed('node', 'epochs', say(4, 5, Buffer.concat([hex('91c408'), text('no epoch')])));
}

// Statements of fuzz_capture.c; values by their place there.
function statements() {
    const words = (w) => Buffer.concat([byte(64 + w.length), text(w)]);
    const insert = (i, how, id, columns, ...values) =>
        Buffer.concat([byte(i, 0, columns >> 8, columns & 255, id, how), ...values]);
    const update = (i, table, column, id, value, all = 1) =>
        Buffer.concat([byte(2 + i, table, column, all), value, byte(id)]);
    const remove = (i, table, id) => byte(6 + i, table, id);
    const seal = (i) => byte(8 + i);
    const take = (i) => byte(10 + i);
    const good = [words('a title'), words('a reason')];

    seed('capture', 'insert', insert(0, 0, 4, 3, ...good), seal(0), take(1));
    seed('capture', 'replace', insert(0, 2, 2, 3, ...good), insert(0, 1, 4, 7, ...good, byte(0)));
    seed('capture', 'both_edit', update(0, 0, 0, 2, words('one')), update(1, 0, 0, 2, words('two')));
    seed('capture', 'edit_and_delete', remove(0, 0, 2), update(1, 0, 1, 2, words('still')));
    seed('capture', 'no_text', update(0, 0, 1, 2, Buffer.concat([byte(67), hex('ff00c3')])));
    seed('capture', 'blob', update(0, 0, 2, 2, Buffer.concat([byte(203), hex('010203')])));
    seed('capture', 'key', update(0, 0, 31, 2, byte(30, 4)), update(1, 0, 30, 2, words('x')));
    for (const value of [0, 3, 4, 5, 6, 11, 13, 14, 15, 16])
        seed('capture', `value_${value}`, update(0, 0, 2, 2, byte(value)), update(1, 0, 3, 3, byte(value)));
}

// Requests of fuzz_api.c, by a route's place in the table that docs/api.md shows.
function calls() {
    const routes = [...fs.readFileSync(path.join(root, 'docs/api.md'), 'utf8')
        .matchAll(/^## (\w+) (\/api\S*)$/gm)].map((m) => `${m[1]} ${m[2]}`);
    const space = byte(0);
    const row = byte(1);
    const call = (route, params, body = null) => {
        const at = routes.indexOf(route);
        if (at < 0) throw new Error(`docs/api.md has no ${route}`);
        return Buffer.concat([byte(at), ...params,
            body === null ? byte() : piece(text(JSON.stringify(body)))]);
    };
    const post = (name, route, params, body) => seed('api', name, call(`POST ${route}`, params, body));

    post('space', '/api/spaces', [], { name: 'New', kind: 'named', admit: 'ask' });
    post('peer', '/api/peers', [], { address: `${'5c'.repeat(32)}@a.example:1` });
    post('invite', '/api/spaces/:space/invites', [space], { role: 'school' });
    post('admit', '/api/spaces/:space/admissions', [space], { request: 1 });
    post('carrier', '/api/spaces/:space/carriers', [space], { address: `${'5c'.repeat(32)}@a.example:1` });
    post('wait', '/api/spaces/:space/wait', [space], { frontier: [{ author: '5c'.repeat(32),
        incarnation: '5c'.repeat(8), hash: '5c'.repeat(32), number: 1 }], timeout_s: 1 });
    post('join', '/api/joins', [], { ticket: vectors('ticket').text, wait_s: 1 });
    post('carry', '/api/carries', [], { allow: '5c'.repeat(16) });
    post('priority', '/api/priorities', [], { title: 'New', why: 'words', space: '@S' });
    seed('api', 'change', call('PATCH /api/priorities/:id', [row], { title: 'Changed', phases: ['KS1'] }),
        call('GET /api/priorities/:id', [row]), call('DELETE /api/priorities/:id', [row]));
    seed('api', 'lists', call('GET /api/priorities', [byte(0)]), call('GET /api/spaces', []),
        call('GET /api/spaces/:space/members', [space]), call('GET /api/rows/:id/comments', [row]));
    for (const [i, statement] of ['SELECT * FROM priority', 'UPDATE priority SET why = 1',
        'DELETE FROM priority', 'SELECT 1; SELECT 2', 'ATTACH x AS y', 'PRAGMA user_version = 7']
        .entries())
        post(`sql_${i}`, '/api/sql', [], { statement });
    post('share', '/api/share', [], { id: '@R', space: '@S' });
}

messages();
changesets();
payloads();
epochs();
sessions();
answers();
members();
statements();
calls();
requests();
files();
people();
identities();
wires();
