// Planted bugs and what kills them: the work of mutants.js and run.js.
import { checkOf } from './checks.js';

// A tree to plant bugs in.  What fails in it without one as well kills nothing.
export class Garden {
    constructor(tree, seeds) {
        this.tree = tree;
        this.seeds = seeds;
        this.sound = new Map(); // by check and seed: does it pass unplanted?
    }

    async prepare(mutants) {
        const seeded = [...new Set(mutants.flatMap((m) => m.checkNames))]
            .map(checkOf).filter((check) => check.isSeeded);

        await this.tree.copy();
        const fault = await this.tree.build(seeded.map((c) => c.program));
        if (fault) throw new Error(`the tree does not build:\n${fault}`);
        for (const check of seeded) this.kept = this.tree.keep(check);
    }

    // Ask once: a seed while a bug is planted, of the program that was kept,
    // anything else afterwards.
    passes(check, seed, dir) {
        const key = `${check.name} ${seed}`;

        if (!this.sound.has(key))
            this.sound.set(key, this.tree.attempt(check, seed, dir)
                .then(({ failed }) => !failed));
        return this.sound.get(key);
    }

    async runCheck(check) {
        const last = check.isSeeded ? this.seeds : 1;

        for (let seed = 1; seed <= last; seed++) {
            const { failed, said } = await this.tree.attempt(check, seed);

            if (failed && (!check.isSeeded ||
                await this.passes(check, seed, this.kept)))
                return { check, seed: check.isSeeded ? seed : 0, said };
        }
        return undefined;
    }

    async runChecks(m) {
        let fault = await this.tree.plant(m);

        for (const check of m.checkNames.map(checkOf)) {
            fault ||= await this.tree.build([check.program]);
            if (fault) return { fault };
            const killer = await this.runCheck(check);
            if (killer) return killer;
        }
        return {};
    }

    async confirm({ check }) {
        if (!check || check.isSeeded) return '';
        const fault = await this.tree.build([check.program]);
        return fault || (await this.passes(check, 0) ? ''
            : `${check.name} fails without it, too`);
    }

    // {by, seed, said, seconds}: killed; {seconds}: survived; {fault}: it does
    // not count.
    async kill(m) {
        const start = Date.now();
        let result;

        try {
            result = await this.runChecks(m);
        } finally {
            this.tree.uproot();
        }
        const seconds = Math.round((Date.now() - start) / 1000);
        const fault = result.fault || await this.confirm(result);
        if (fault) return { fault };
        return { by: result.check?.name, seed: result.seed, said: result.said,
            seconds };
    }
}
