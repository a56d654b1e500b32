// The table of planted bugs in docs/testing.md, between its two marks.
import fs from 'node:fs';
import path from 'node:path';
import { checkOf } from './checks.js';
import { root } from './plant.js';

const file = path.join(root, 'docs/testing.md');
const BEGIN = '<!-- planted bugs: written by `make mutants WRITE=1` -->';
const END = '<!-- end of planted bugs -->';
const EMPTY = `# Testing\n\n## Planted bugs\n\n${BEGIN}\n${END}\n`;

function document() {
    const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : EMPTY;

    return text.includes(BEGIN) ? text
        : `${text}\n${EMPTY.slice(EMPTY.indexOf('##'))}`;
}

// By name: {by, seed} as the table has it.
export function readTable() {
    const rows = document().matchAll(
        /^\| `(\w+)` \| .* \| (\S+?)(?:, seed (\d+))? \|$/gm);

    return new Map([...rows].map(([, name, by, seed]) =>
        [name, by === 'nothing' ? {} : { by, seed: Number(seed ?? 0) }]));
}

function rowOf(m, r) {
    const by = r?.by ? r.by + (r.seed > 0 ? `, seed ${r.seed}` : '')
        : 'nothing';

    return `| \`${m.name}\` | ${m.head.promise} | ${m.head.bug} | ` +
        `${m.rules.join(', ')} | ${by} |`;
}

export function writeTable(mutants, outcome) {
    const rows = mutants.map((m) => [m, outcome.get(m.name)]);
    const killed = rows.filter(([, r]) => r?.by);
    const bySim = killed.filter(([, r]) => checkOf(r.by).isSim);
    const lines = [BEGIN, '',
        `${mutants.length} planted bugs; ${killed.length} are killed, ` +
        `${bySim.length} of them by the simulator.`, '',
        '| name | promise | planted bug | rule | killed by |',
        '|---|---|---|---|---|', ...rows.map(([m, r]) => rowOf(m, r)), '', ''];
    const text = document();
    const end = text.indexOf(END);

    fs.writeFileSync(file, text.slice(0, text.indexOf(BEGIN)) +
        lines.join('\n') + text.slice(end));
}
