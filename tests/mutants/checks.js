// The checks that may kill a planted bug, and how each is called.  Nothing else
// knows the command line of a check.
//
//   sim          the simulator, seed by seed
//   story:NAME   one of its stories
//   unit:NAME    tests/unit/test_NAME.c, under sanitizers
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Few simulated hours each: many worlds find more than long ones.
const SIM = 'build/tests/sim/tool_sim';
const SIM_ARGS = ['--seeds', '1', '--hours', '2'];
const root = fileURLToPath(new URL('../../', import.meta.url));

function holds(file, text) {
    const at = path.join(root, file);
    return fs.existsSync(at) && fs.readFileSync(at, 'utf8').includes(text);
}

const kinds = {
    sim: () => ({
        exists: true,
        program: SIM,
        isSim: true,
        isSeeded: true,
        seconds: 30,
        args: (seed) => [...SIM_ARGS, '--first', String(seed)],
        said: (out) => /^FAIL (?:seed \d+: )?(.*)$/m.exec(out)?.[1],
    }),
    story: (name) => ({
        exists: holds('tests/sim/stories.c', `STORY(${name})`),
        program: SIM,
        isSim: true,
        seconds: 120,
        args: () => ['--stories', name],
        said: (out) => /^FAIL .*/m.exec(out)?.[0].replace(/FAIL \w+: /, ''),
    }),
    unit: (name) => ({
        exists: holds(`tests/unit/test_${name}.c`, 'main'),
        program: `build/san/tests/unit/test_${name}`,
        seconds: 300,
        args: () => [],
        said: (out) => (/\[ +(?:FAILED|ERROR) +\] (test_\w+)/.exec(out) ??
            [...out.matchAll(/\[ RUN {6}\] (\w+)/g)].pop())?.[1],
    }),
};

// A check by its name in a patch's head; undefined if there is none.
//   program    to be built, and run with args(seed)
//   seconds    of a core that it may take; it needs far fewer
//   isSim      it is the simulator
//   isSeeded   there is a run for each seed
//   said(out)  the words for what failed
export function checkOf(name) {
    const [kind, which] = name.split(':');
    const make = kinds[kind];

    if (!make || (make.length > 0) !== (which !== undefined)) return undefined;
    const check = make(which);
    if (!check.exists) return undefined;
    return { name, ...check };
}
