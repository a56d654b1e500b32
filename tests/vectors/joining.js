// docs/protocol.md, section 10: names and addresses, tickets, requests to join.
import { papers } from './certificates.js';
import { decode, is, u32 } from './msgpack.js';
import { eq, H, hex, K, Layout, need, openBox } from './primitives.js';

/** Section 9.2. */
export const NAME = (v) =>
    need(
        typeof v === 'string' &&
            Buffer.byteLength(v) >= 1 &&
            Buffer.byteLength(v) <= 120 &&
            !/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(v),
        'name',
    );

const GROUP = /^[0-9a-fA-F]{1,4}$/;
/** How many groups stand between colons; none where there is nothing at all. */
function groups(text) {
    const list = text === '' ? [] : text.split(':');
    need(
        list.every((g) => GROUP.test(g)),
        'a group of an IPv6 address',
    );
    return list.length;
}

function ipv6(text) {
    const sides = text.split('::').map(groups);
    const count = sides.reduce((a, b) => a + b, 0);
    need(sides.length === 1 ? count === 8 : sides.length === 2 && count <= 7, 'IPv6');
}

/** Section 10.2. */
export function address(v) {
    need(typeof v === 'string' && Buffer.byteLength(v) <= 160, 'an address too long');
    const [, host, port] = /^([^]+):([1-9][0-9]{0,4})$/.exec(v) ?? [];
    need(host && port <= 65535, 'host and port');
    if (/^\[[^]+\]$/.test(host)) ipv6(host.slice(1, -1));
    else if (/^[0-9.]+$/.test(host))
        need(
            /^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$/.test(host) &&
                host.split('.').every((n) => n < 256),
            'IPv4',
        );
    else
        need(
            host
                .split('.')
                .every((label) => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label)),
            'host name',
        );
}

/** An address or nothing, as epochs and requests have it. */
export const maybeAddress = (v) => v === '' || address(v);

/** Section 10.1. */
export function ticket(text) {
    const [, body] = /^[ \t\r\n]*covey1([^]*)$/.exec(text) ?? [];
    need(body, 'not a ticket');
    const line = body.replace(/[ \t\r\n]/g, '');
    const bytes = Buffer.from(line, 'base64url');
    need(bytes.toString('base64url') === line, 'not base64url');
    need(
        eq(H('covey/1 ticket', bytes.subarray(0, -4)).subarray(0, 4), bytes.subarray(-4)),
        'check',
    );
    const at = new Layout(bytes.subarray(0, -4));
    need(at.num(1) === 1, 'version');
    const t = {
        space: at.take(16),
        secret: at.take(32),
        chair: at.take(32),
        expires: at.num(4) * 60000,
    };
    const count = at.num(1);
    need(count <= 8, 'too many addresses');
    t.addresses = Array.from({ length: count }, () => {
        const key = hex(at.take(32));
        const a = at.take(at.num(1)).toString();
        address(a);
        return `${key}@${a}`;
    });
    at.end();
    t.invite = K(t.secret, 'covey/1 invite id').subarray(0, 16);
    t.door = K(t.secret, 'covey/1 invite door');
    t.join = K(t.secret, 'covey/1 invite join');
    return t;
}

/** Section 10.3. */
export function request(bytes, secret, invite, join) {
    need(bytes.length <= 4096, 'request too long');
    const inside = openBox(secret, invite, bytes);
    const packed = inside.subarray(0, -32);
    need(eq(K(join, 'covey/1 join code', packed), inside.subarray(-32)), 'join code');
    const [space, id, kind, urn, name, member, node, author, where] = is.tuple(
        is.bin(16),
        is.bin(16),
        is.uint(3),
        u32,
        NAME,
        is.bin(),
        is.bin(),
        is.bin(),
        maybeAddress,
    )(decode(packed));
    need(eq(id, invite), 'another invite');
    return { space, kind, urn, name, where, papers: papers(member, node, author, space) };
}
