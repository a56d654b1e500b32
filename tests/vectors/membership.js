// docs/protocol.md, sections 9.1, 9.3 and 9.4: does an epoch hold, and the state
// that it leaves.
import { memberCert, papers, spaceId } from './certificates.js';
import { changes, commitment, SEALED } from './epochs.js';
import { decode, encode } from './msgpack.js';
import {
    ascending,
    by,
    eq,
    H,
    K,
    maximum,
    must,
    need,
    open,
    zeros,
} from './primitives.js';

const NONE_SAID = 6; // the role of an invite
const RULES = 1; // the newest version that this knows
const LISTS = ['seats', 'nodes', 'authors', 'carriers', 'invites'];

const copyOf = (s) => ({
    ...s,
    ...Object.fromEntries(LISTS.map((f) => [f, (s[f] ?? []).map((x) => ({ ...x }))])),
});

const slotsOf = (list) => new Set(list.map((a) => a.slot));
const voters = (list) => slotsOf(list.filter((a) => !a.cut && a.rights & 2)).size;
const rightsOf = (role) => [3, 2][role] ?? 0;

// ---- 9.1: signatures and keys

function signedFirst(e) {
    const [signer] = e.signers;
    need(e.signers.length === 1, 'one signature');
    need(
        e.changes[0]?.[0] === 0 && eq(spaceId(e.changes[0][1], signer), e.space),
        'the id of the space',
    );
    need(
        e.changes.some((c) => c[0] === 1 && eq(c[1], signer) && c[3] & 1),
        'the signer is not listed as chair',
    );
    need(e.keyNumber === 0 && e.history.length === 0, 'the key of a genesis');
}

function signedLater(old, e) {
    need(e.signers.length <= old.authors.length, 'too many signatures');
    const signed = e.signers.map((k) =>
        must(by(old.authors, 'key', k), 'a signer that is not listed'),
    );
    need(
        signed.every((a) => !a.cut && a.rights),
        'a signer without rights',
    );
    need(
        signed.some((a) => a.rights & 1) || 2 * voters(signed) > voters(old.authors),
        'signed by too few',
    );
    if (e.keyNumber === old.keyNumber)
        need(e.history.length === 0, 'history without a new key');
    else
        need(
            e.keyNumber === old.keyNumber + 1 &&
                e.history.length === 108 &&
                e.boxes.length,
            'a new key',
        );
    need(e.rules >= old.rules, 'rules');
}

// ---- 9.3: what each change does to a state; f: the fold under way

const invite = (f, id) => {
    const i = must(by(f.s.invites, 'id', id), 'no such invite');
    need(i.state === 0, 'an invite that is not open');
    return i;
};

const seat = (f, slot) => {
    const x = must(f.s.seats[slot], 'no such seat');
    need(x.present, 'a seat that is not present');
    return x;
};

const carrier = (f, key, present) => {
    const c = by(f.s.carriers, 'key', key);
    need(!!c?.present === present, 'a carrier');
    return c;
};

function author(f, [, key, slot, rights]) {
    const a = by(f.s.authors, 'key', key);
    if (!a) {
        need(
            slot <=
                maximum(
                    f.s.authors.map((x) => x.slot),
                    -1,
                ) +
                    1,
            'slots are given in order',
        );
        f.s.authors.push({ key, slot, rights, since: f.s.number, cut: false, cuts: [] });
        return;
    }
    need(a.slot === slot, 'the slot of an author');
    if (a.cut) Object.assign(a, { since: f.s.number, cut: false });
    a.rights = rights;
}

/** The member certificate of a seat from here on. */
function certificate(f, had, slot, bytes) {
    if (!had) {
        const cert = memberCert(bytes);
        need(
            cert.serial === 0 &&
                !f.s.seats.some((x) => eq(x.id.subarray(0, 6), cert.hash.subarray(0, 6))),
            'the tag of a member',
        );
        return cert;
    }
    if (eq(had.cert.bytes, bytes)) return had.cert;
    const cert = memberCert(bytes, had.cert);
    const stays = (n) =>
        n.slot === slot &&
        cert.revoked.some((k) => eq(n.cert.signing, k)) &&
        !by(f.s.authors, 'key', n.author).cut;
    need(!f.s.nodes.some(stays), 'a revoked node that is not cut');
    return cert;
}

function seated(f, [, slot, role, kind, urn, name, bytes]) {
    need(slot <= f.s.seats.length, 'slots are given in order');
    const had = f.s.seats[slot];
    const cert = certificate(f, had, slot, bytes);
    if (!had?.present) f.admitted++;
    f.s.seats[slot] = {
        slot,
        id: had?.id ?? cert.hash,
        role,
        kind,
        urn,
        present: true,
        name,
        cert,
    };
}

function node(f, [, slot, nodeBytes, authorBytes, address, fromNowOn]) {
    const { id, cert } = seat(f, slot);
    const p = papers(cert.bytes, nodeBytes, authorBytes, f.s.space, id);
    const a = must(by(f.s.authors, 'key', p.author.author), 'the author of a node');
    need(!a.cut && a.slot === slot, 'the author of a node');
    const had = by(f.s.nodes, 'author', a.key);
    const shares = (x) =>
        ['signing', 'noise', 'reading'].some((k) => eq(x.cert[k], p.node[k]));
    need(!f.s.nodes.some((x) => x !== had && shares(x)), 'a key of another node');
    need(!had || eq(had.cert.signing, p.node.signing), 'another node of this author');
    if (had) Object.assign(had, { cert: p.node, address, fromNowOn });
    else
        f.s.nodes.push({
            slot,
            cert: p.node,
            author: a.key,
            present: true,
            address,
            fromNowOn,
        });
}

const APPLY = {
    0: (f) => need(f.genesis && f.done === 0, 'salt'),
    1: author,
    2: (f, [, key, cuts]) => {
        need(ascending(cuts.map((c) => c[0])), 'cuts ascend');
        Object.assign(must(by(f.s.authors, 'key', key), 'a cut of nobody'), {
            cut: true,
            cuts,
        });
    },
    3: (f, [, key]) => {
        const c = carrier(f, key, false);
        if (c) c.present = true;
        else f.s.carriers.push({ key, present: true, name: '', address: '' });
    },
    4: (f, [, key]) => {
        carrier(f, key, true).present = false;
    },
    5: (f, [, id, door, expires]) => {
        need(!by(f.s.invites, 'id', id), 'the id of an invite');
        f.s.invites.push({ id, door, expires, role: NONE_SAID, state: 0 });
    },
    6: (f, [, id, end]) => {
        invite(f, id).state = end;
        f.used += end === 1;
    },
    7: (f, [, , parts]) =>
        need(
            parts.every((x, i) => !i || parts[i - 1] < x),
            'parts ascend',
        ),
    32: (f, [, name, kind, admit]) => {
        need(f.genesis || f.s.kind === kind, 'the kind of a space');
        Object.assign(f.s, { name, kind, admit });
    },
    33: seated,
    34: node,
    35: (f, [, slot, role]) => {
        seat(f, slot).role = role;
    },
    36: (f, [, slot]) => {
        seat(f, slot).present = false;
    },
    37: (f, [, key, name, address]) =>
        Object.assign(carrier(f, key, true), { name, address }),
    38: (f, [, id, role]) => {
        need(role !== 4 || f.s.kind === 2, 'a partner');
        invite(f, id).role = role;
    },
};

function apply(f, list) {
    f.done = 0;
    for (const change of list) {
        APPLY[change[0]](f, change);
        f.done++;
    }
}

// ---- what must hold in the end

function holdsClear(f, old) {
    const { authors } = f.s;
    need(slotsOf(authors.filter((a) => !a.cut && a.rights & 1)).size === 1, 'one chair');
    if (f.s.keyNumber === old.keyNumber)
        need(
            authors.every((a) => !a.cut || by(old.authors, 'key', a.key)?.cut),
            'a cut without a new key',
        );
    need(
        f.genesis || f.used >= slotsOf(authors).size - slotsOf(old.authors).size,
        'a slot without an invite',
    );
}

function holdsSealed(f) {
    const { authors, seats, nodes, invites, kind } = f.s;
    need(f.s.name !== undefined, 'terms');
    need(f.genesis || f.used >= f.admitted, 'a seat without an invite');
    need(seats.length === slotsOf(authors).size, 'seats and slots');
    need(
        seats.filter((x) => x.present && x.role === 0).length === 1,
        'one present chair',
    );
    need(
        seats.every((x) => !x.present || x.role !== 4 || kind === 2),
        'a role that does not fit',
    );
    need(
        invites.every((i) => i.state || i.role !== NONE_SAID),
        'an invite without a role',
    );
    for (const n of nodes)
        n.present = seats[n.slot].present && !by(authors, 'key', n.author).cut;
    for (const a of authors) {
        const its = must(by(nodes, 'author', a.key), 'an author without a node');
        const at = seats[a.slot];
        need(its.slot === a.slot, 'the slot of a node');
        need(a.cut || (at.present && a.rights === rightsOf(at.role)), 'rights and role');
        need(
            a.cut ||
                a.since !== f.s.number ||
                !at.cert.revoked.some((k) => eq(k, its.cert.signing)),
            'a revoked node is listed',
        );
    }
}

/** The state after the epoch `e`, which must hold on `old`.  Without `key`, as a carrier folds. */
export function fold(old, e, key) {
    const genesis = old.hash === undefined;
    const s = copyOf(old);
    need(
        e.number === (genesis ? 0 : old.number + 1) &&
            eq(e.parent, old.hash ?? zeros(32)),
        'number or parent',
    );
    need(eq(e.space, old.space), 'space');
    if (genesis) signedFirst(e);
    else signedLater(old, e);
    Object.assign(s, {
        number: e.number,
        hash: e.hash,
        keyNumber: e.keyNumber,
        rules: e.rules,
    });
    const f = { s, genesis, used: 0, admitted: 0, done: 0 };
    apply(f, e.changes);
    holdsClear(f, old);
    if (!key) return s;
    need(e.rules <= RULES, 'rules of a newer version: held');
    need(eq(commitment(e, key), e.commitment), 'commitment');
    e.sealedChanges = changes(SEALED)(
        decode(
            open(
                K(key, 'covey/1 sealed part'),
                e.sealed.subarray(0, 24),
                e.clear,
                e.sealed.subarray(24),
            ),
        ),
    );
    apply(f, e.sealedChanges);
    holdsSealed(f);
    need(eq(membership(s), e.result), 'membership');
    return s;
}

/** Section 9.4. */
export const membership = (s) =>
    H(
        'covey/1 membership',
        encode([
            s.space,
            s.number,
            s.keyNumber,
            s.rules,
            s.name,
            s.kind,
            s.admit,
            s.seats.map((x) => [
                x.slot,
                x.id,
                x.role,
                x.kind,
                x.urn,
                x.present,
                x.name,
                x.cert.bytes,
            ]),
            s.nodes.map((x) => [
                x.slot,
                [
                    x.cert.member,
                    x.cert.memberCert,
                    x.cert.signing,
                    x.cert.noise,
                    x.cert.reading,
                    x.cert.issued,
                ],
                x.author,
                x.present,
                x.address,
                x.fromNowOn,
            ]),
            s.authors.map((x) => [x.key, x.slot, x.rights, x.since, x.cut, x.cuts]),
            s.carriers.map((x) => [x.key, x.present, x.name, x.address]),
            s.invites.map((x) => [x.id, x.door, x.expires, x.role, x.state]),
        ]),
    );
