// A school network on one machine: a TCP front before a daemon's port that lets
// through only whom its rules allow, can cut a line, and counts bytes.
//
// Who has dialled is found by the process that owns the other end of the
// connection, so the daemons run unchanged and know nothing of it.
import fs from 'node:fs';
import net from 'node:net';

// The inode of the socket whose local end is 127.0.0.1:port, by /proc/net/tcp.
function inodeOf(port) {
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    for (const line of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
        const f = line.trim().split(/\s+/);
        if (f.length > 9 && f[1].endsWith(`:${hex}`) && f[9] !== '0') return f[9];
    }
    return null;
}

function owns(pid, inode) {
    try {
        return fs
            .readdirSync(`/proc/${pid}/fd`)
            .some((fd) => {
                try {
                    return fs.readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`;
                } catch {
                    return false;
                }
            });
    } catch {
        return false;
    }
}

export class Front {
    // who: the Nodes that may ever come this way, to tell them apart.
    // allows(node): may it connect now?
    constructor(who, allows) {
        Object.assign(this, { who, allows, target: 0, bytes: 0, lines: new Set() });
    }

    async open() {
        this.server = net.createServer((from) => this.arrive(from));
        await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
        this.port = this.server.address().port;
        return this;
    }

    arrive(from) {
        from.on('error', () => {});
        const inode = inodeOf(from.remotePort);
        const node = this.who().find((n) => n.running && owns(n.child.pid, inode));
        if (!node || !this.allows(node)) {
            from.destroy();
            return;
        }
        const to = net.connect(this.target, '127.0.0.1');
        const line = { node, from, to };
        this.lines.add(line);
        to.on('error', () => {});
        const count = (d) => {
            this.bytes += d.length;
        };
        from.on('data', count).pipe(to);
        to.on('data', count).pipe(from);
        const end = () => {
            this.lines.delete(line);
            from.destroy();
            to.destroy();
        };
        from.on('close', end);
        to.on('close', end);
    }

    // Break every line of this node that is open now.
    cut(node) {
        let n = 0;
        for (const l of this.lines) {
            if (l.node !== node) continue;
            l.from.destroy();
            l.to.destroy();
            n++;
        }
        return n;
    }

    async close() {
        for (const l of this.lines) {
            l.from.destroy();
            l.to.destroy();
        }
        await new Promise((resolve) => this.server.close(resolve));
    }
}
