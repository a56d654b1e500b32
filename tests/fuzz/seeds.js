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
    seed('payload', 'sealed', byte(1, v.parts.length), piece(first),
        ...v.parts.map((part) => piece(hex(part))));
}

messages();
changesets();
payloads();
