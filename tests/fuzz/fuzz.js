// Fuzzing by hand.
//
// node tests/fuzz/fuzz.js run [--seconds N] [TARGET...]
//     fuzz each target, tell how far it came; 1 at a finding
// node tests/fuzz/fuzz.js keep [TARGET...]
//     choose from all inputs found the few that reach the most, and put those
//     under corpus/; what has a name of its own stays
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import * as c from './campaign.js';

const KEEP_MAX = 8; // inputs of a target that are chosen for git
const KEEP_BYTES = 16384; // the longest

const pad = (value, width) => String(value).padStart(width);

function row(r) {
    const rate = Math.round(r.runs / r.seconds);

    return (
        r.target.padEnd(12) +
        pad(r.runs, 12) +
        pad(rate, 9) +
        pad(r.edges, 8) +
        pad(r.corpus, 8) +
        pad(r.ok ? 0 : 1, 10)
    );
}

async function runAll(names, seconds) {
    let runs = 0;
    let failed = 0;

    console.log('target        executions   exec/s   edges  corpus  findings');
    await c.eachOf(names, async (name) => {
        const result = await c.fuzz(name, seconds);

        runs += result.runs;
        failed += result.ok ? 0 : 1;
        console.log(row(result));
        if (!result.ok) c.tell(result);
    });
    console.log(`${runs} executions, ${failed} findings`);
    return failed ? 1 : 0;
}

// What -merge=1 wrote down of each input: its name and its features.
function readFeatures(text) {
    const lines = text.split('\n');
    const names = lines.slice(2, 2 + Number(lines[0]));
    const features = new Map();

    for (const line of lines) {
        const [kind, index, ...list] = line.split(' ');

        if (kind === 'FT') features.set(names[Number(index)], list);
    }
    return features;
}

// Greedily: what adds most, then what is shorter.
function choose(features, size, already) {
    const left = new Map(features);
    const seen = new Set(already.flatMap((name) => features.get(name) ?? []));
    const chosen = [];

    while (chosen.length < KEEP_MAX) {
        let best = null;
        let most = 0;

        for (const [name, list] of left) {
            const gain = list.filter((f) => !seen.has(f)).length;
            if (gain > most || (gain === most && gain > 0 && size(name) < size(best)))
                [best, most] = [name, gain];
        }
        if (!best) break;
        chosen.push(best);
        left.get(best).forEach((f) => seen.add(f));
        left.delete(best);
    }
    return chosen;
}

const hasName = (file) => !/^[0-9a-f]{12}$/.test(path.basename(file));
const size = (file) => fs.statSync(file).size;

async function keep(target) {
    const dir = c.committed(target);
    const control = path.join(c.built, `${target}.merge`);
    const scratch = path.join(c.built, `${target}.merged`);

    fs.rmSync(control, { force: true });
    fs.rmSync(scratch, { recursive: true, force: true });
    fs.mkdirSync(scratch, { recursive: true });

    const { code, output } = await c.run(path.join(c.built, target), [
        '-merge=1',
        `-merge_control_file=${control}`,
        scratch,
        dir,
        c.found(target),
    ]);
    if (code !== 0) throw new Error(`${target}: ${output.slice(-2000)}`);

    const features = readFeatures(fs.readFileSync(control, 'utf8'));
    for (const file of features.keys())
        if (size(file) > KEEP_BYTES) features.delete(file);

    const named = [...features.keys()].filter(
        (file) => path.dirname(file) === dir && hasName(file)
    );
    const chosen = choose(features, size, named).map((f) => fs.readFileSync(f));

    for (const file of c.files(dir))
        if (!hasName(file)) fs.rmSync(path.join(dir, file));
    for (const bytes of chosen) {
        const name = crypto.createHash('sha256').update(bytes).digest('hex');
        fs.writeFileSync(path.join(dir, name.slice(0, 12)), bytes);
    }
    console.log(`${target}: ${chosen.length} chosen, ${named.length} named`);
}

const [verb, ...words] = process.argv.slice(2);
let seconds = 60;
const at = words.indexOf('--seconds');

if (at >= 0) seconds = Number(words.splice(at, 2)[1]);

const names = words.length > 0 ? words : c.targets();

if (verb === 'run') process.exit(await runAll(names, seconds));
else if (verb === 'keep') await c.eachOf(names, keep);
else {
    console.error('usage: fuzz.js run [--seconds N] [TARGET...] | keep [TARGET...]');
    process.exit(2);
}
