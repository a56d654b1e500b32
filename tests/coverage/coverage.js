// What gcov counted in a build, by file and by folder, and whether that is
// enough.  docs/testing.md says what is counted, and why those goals.
//
// usage: node tests/coverage/coverage.js BUILD [FILE...]
//
// BUILD is a folder of objects that were compiled with --coverage and run.  With
// FILEs, it says which of their lines and branches no test reached, instead.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const PARTS = ['proto', 'store', 'daemon', 'cli'];

// What parses and judges what strangers send, or decides what a row is.
const CORE = /^(proto\/(wire|frame|noise|header|epoch[a-z_]*)|store\/(merge|cell[a-z_]*)|daemon\/node_apply)\.[ch]$/;
const GOALS = [
    { name: 'all', of: () => true, line: 92, branch: 82 },
    { name: 'core', of: (file) => CORE.test(file), line: 98, branch: 93 },
];

const [build, ...wanted] = process.argv.slice(2);

// Every file of ours: line number -> { hits, branches: [count] }.  A header's
// inline functions are in many objects, and their counts are added up.
function read() {
    const files = new Map();

    for (const part of PARTS) {
        const folder = path.join(build, 'obj', part);
        for (const name of fs.readdirSync(folder).sort()) {
            if (!name.endsWith('.gcno')) continue;
            const text = execFileSync('gcov', ['--json-format', '--stdout',
                '--branch-probabilities', path.join(folder, name)],
            { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
            for (const file of JSON.parse(text).files) add(files, file);
        }
    }
    return files;
}

function add(files, { file, lines }) {
    const name = path.relative('.', file);

    if (!PARTS.some((part) => name.startsWith(`${part}/`))) return;
    if (!files.has(name)) files.set(name, new Map());
    const all = files.get(name);
    for (const { line_number: number, count, branches } of lines) {
        const line = all.get(number) ?? { hits: 0, branches: [] };
        line.hits += count;
        branches.forEach((b, i) => {
            line.branches[i] = (line.branches[i] ?? 0) + b.count;
        });
        all.set(number, line);
    }
}

function sum(files, of) {
    const total = { lines: 0, hit: 0, branches: 0, taken: 0 };

    for (const [name, lines] of files) {
        if (!of(name)) continue;
        for (const { hits, branches } of lines.values()) {
            total.lines++;
            total.hit += hits > 0;
            total.branches += branches.length;
            total.taken += branches.filter((count) => count > 0).length;
        }
    }
    return total;
}

const share = (part, whole) => (whole === 0 ? 100 : (100 * part) / whole);
const cell = (part, whole) =>
    `${share(part, whole).toFixed(1).padStart(6)} % of ${String(whole).padStart(5)}`;

function row(name, t) {
    console.log(`${name.padEnd(28)} ${cell(t.hit, t.lines)}  ${cell(t.taken, t.branches)}`);
}

function table(files) {
    console.log(`${''.padEnd(28)}  lines            branches`);
    for (const part of PARTS) {
        const names = [...files.keys()].filter((name) => name.startsWith(`${part}/`)).sort();
        for (const name of names) row(name, sum(files, (n) => n === name));
        row(`${part}/`, sum(files, (n) => n.startsWith(`${part}/`)));
        console.log('');
    }
}

// The goals are for whole groups; a file of the core that is below is named too,
// so that one knows where to look.
function judge(files) {
    let enough = true;

    for (const goal of GOALS) {
        const t = sum(files, goal.of);
        const reached = share(t.hit, t.lines) >= goal.line &&
            share(t.taken, t.branches) >= goal.branch;
        row(goal.name, t);
        console.log(`${reached ? 'ok  ' : 'FAIL'} ${goal.name}: ` +
            `at least ${goal.line} % of lines and ${goal.branch} % of branches`);
        enough &&= reached;
    }
    return enough;
}

function missed(files, name) {
    const text = fs.readFileSync(name, 'utf8').split('\n');

    for (const [number, { hits, branches }] of [...files.get(name)].sort((a, b) => a[0] - b[0])) {
        const never = branches.map((count, i) => [count, i])
            .filter(([count]) => count === 0).map(([, i]) => i);
        const mark = hits === 0 ? '#####' : never.length > 0 ? `-${never.join(',')}` : '';
        if (mark) console.log(`${name}:${number}: ${mark.padEnd(8)} ${text[number - 1]}`);
    }
}

const files = read();

if (wanted.length > 0) {
    for (const name of wanted) missed(files, name);
} else {
    table(files);
    process.exit(judge(files) ? 0 : 1);
}
