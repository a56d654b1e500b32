// A part of the tests under a tool that watches: Valgrind, or the thread
// sanitizer where there are threads.
//
// usage: node tests/inspect/inspect.js valgrind|tsan      ONLY=text narrows it
//
// The tool writes a file for each process that it has something to say about,
// and none for the others; what a program that was killed or forked had to say
// counts, too.  Nothing is suppressed in our own code.  What programs print is
// kept in build/log/<tool>/, the reports in `reports` there.
import fs from 'node:fs';
import path from 'node:path';
import { eachOf, root, run } from '../fuzz/campaign.js';

const SIM = ['--first', '112', '--seeds', '2', '--hours', '1', '--nodes', '3'];
// What only a program that ran something says.
const RAN = /\b[1-9]\d* (passed|inputs|seeds)|PASSED +\] [1-9]/;
const [, , kind] = process.argv;
const logs = path.join(root, 'build/log', String(kind));
const reports = path.join(logs, 'reports');

const kinds = {
    valgrind: {
        build: path.join(root, 'build/mem'),
        // Memory that is still pointed to at the end is not lost, unless libc
        // frees its own while a thread that looked up a name is there yet.
        under: ['valgrind', '-q', '--run-libc-freeres=no', '--leak-check=full',
            '--errors-for-leak-kinds=definite', '--show-leak-kinds=definite', '--error-exitcode=99', `--log-file=${reports}/%p`],
        env: {},
        parts: [units, corpora, worlds],
        e2e: ['converge'],
    },
    tsan: {
        build: path.join(root, 'build/tsan'),
        under: [],
        env: {
            TSAN_OPTIONS: `log_path=${reports}/report:exitcode=99:second_deadlock_stack=1`,
        },
        parts: [units],
        e2e: ['converge', 'commands', 'sqlwrites', 'kill'],
    },
};

// Names in a folder that match, made into what is to be run.
function found(folder, pattern, make) {
    return fs.readdirSync(path.join(root, folder)).sort()
        .map((file) => pattern.exec(file)?.[1]).filter(Boolean).map(make);
}

// A name, a program of the build, and its arguments.
function units() {
    return found('tests/unit', /^(test_\w+)\.c$/, (name) => [name, `tests/unit/${name}`]);
}

function corpora() {
    return found('tests/fuzz', /^fuzz_(\w+)\.c$/, (name) => [`corpus_${name}`, `replay/${name}`, `tests/fuzz/corpus/${name}`]);
}

function worlds() {
    return [
        ['worlds', 'tests/sim/tool_sim', ...SIM],
        ['story_partition_heals', 'tests/sim/tool_sim', '--stories', 'partition_heals'],
        ['story_edit_both_sides_of_a_cell', 'tests/sim/tool_sim', '--stories', 'edit_both_sides_of_a_cell'],
    ];
}

let passed = 0;
let failed = 0;

function tell(name, ok, begun, text) {
    if (ok) passed++;
    else failed++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${Math.round((Date.now() - begun) / 1000)} s)`);
    if (!ok) console.log(text.split('\n').slice(-60).join('\n'));
}

async function runOne(tool, name, command, env) {
    const begun = Date.now();
    const { code, output } = await run(command[0], command.slice(1), { env: { ...process.env, ...tool.env, ...env } });

    fs.writeFileSync(path.join(logs, `${name}.log`), output);
    tell(name, code === 0 && RAN.test(output), begun, `${output}\nexit ${code}`);
}

// Daemons one module after the other: they mind the time.
async function runDaemons(tool, wanted) {
    const env = { COVEY_BUILD: tool.build, COVEY_UNDER: tool.under.join(' '), COVEY_PATIENCE: '10', ONLY: '' };

    for (const module of tool.e2e.filter(wanted))
        await runOne(tool, module, ['node', 'tests/e2e/run.js', module], env);
}

function tellReports() {
    const files = fs.readdirSync(reports)
        .map((file) => path.join(reports, file))
        .filter((file) => fs.statSync(file).size > 0);
    const text = files.map((file) => `${path.relative(root, file)}:\n${fs.readFileSync(file, 'utf8').slice(0, 6000)}`);

    tell(`no report (${files.length})`, files.length === 0, Date.now(), text.slice(0, 5).join('\n'));
}

async function inspect(tool) {
    const wanted = (name) => name.includes(process.env.ONLY ?? '');
    const programs = tool.parts.flatMap((part) => part()).filter(([name]) => wanted(name));

    fs.rmSync(logs, { recursive: true, force: true });
    fs.mkdirSync(reports, { recursive: true });
    await eachOf(programs, ([name, program, ...args]) =>
        runOne(tool, name, [...tool.under, path.join(tool.build, program), ...args], {}));
    await runDaemons(tool, wanted);
    tellReports();
    console.log(`${passed} passed, ${failed} failed`);
    return failed > 0 || passed < 2 ? 1 : 0;
}

if (!kinds[kind]) {
    console.error('usage: inspect.js valgrind|tsan');
    process.exit(2);
}
process.exit(await inspect(kinds[kind]));
