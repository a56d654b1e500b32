// The suite of planted bugs: every patch applies to the tree as it is and says
// in its head what it breaks; and two of them, chosen afresh each time, one for
// the simulator and one for the unit tests, are killed.  `make mutants` plants
// all.
//
// PICK=n chooses as the run did that printed it.
import { checkOf } from './checks.js';
import { Garden } from './kill.js';
import { applyFault, headFaults, mutants, Tree } from './plant.js';
import { readTable } from './table.js';

const SEEDS_SOON = 5; // those killed after so many are quick
const SEEDS_MOST = 40; // a change of the simulator makes other worlds
const pick = Number(process.env.PICK || Date.now() % 1000000);
let passed = 0;
let failed = 0;

function tell(name, fault) {
    if (fault) failed++;
    else passed++;
    console.log(fault ? `FAIL ${name}: ${fault}` : `ok   ${name}`);
}

async function killOne(m, check) {
    const garden = new Garden(new Tree('-check'), SEEDS_MOST);

    await garden.prepare([m]);
    const r = await garden.kill({ ...m, checkNames: [check] });
    return r.fault || (r.by ? '' : `it survived ${check}`);
}

const all = mutants();
const table = readTable();

for (const m of all)
    tell(`${m.name} applies, and its head is whole`,
        [...headFaults(m), await applyFault(m)].filter((s) => s).join('; '));
for (const m of all)
    if (!table.get(m.name)?.by)
        tell(`${m.name} stands in docs/testing.md, killed`,
            'run `make mutants WRITE=1`');

// Those of a kind that the table says are killed soon.
function soonKilled(isSim) {
    return all.filter((m) => {
        const { by, seed } = table.get(m.name) ?? {};
        const check = by && checkOf(by);
        return check && Boolean(check.isSim) === isSim && seed <= SEEDS_SOON;
    });
}

console.log(`PICK=${pick}`);
for (const isSim of [true, false]) {
    const some = soonKilled(isSim);
    const m = some[pick % some.length];

    if (!m) tell('there is one to plant', 'the table has none');
    else tell(`${m.name} is killed by ${table.get(m.name).by}`,
        await killOne(m, table.get(m.name).by));
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
