import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { ALL_OPTIONS, COMMANDS } from '../src/cli/commands.ts';
import { SECRET_VARIABLES, TOKEN_URL_VARIABLE } from '../src/cli/credentials.ts';
import { variableOf } from '../src/cli/environment.ts';
import { JOB_COLUMNS } from '../src/jobs/columns.ts';
import { FORMATS } from '../src/jobs/pipeline.ts';
import { EXIT } from '../src/platform/errors.ts';
import { TOOL } from '../src/platform/tool.ts';
import { REPOSITORY } from './support/cli.ts';
import { columnRow, commandHeading, flagRow, page, section, tableRows } from './support/docs.ts';

const readme = await page('README.md');
const commandLine = await page('docs/command-line.md');
const makefile = await page('Makefile');
const pages = new Map(
  await Promise.all(
    [
      'README.md',
      'CHANGELOG.md',
      ...(await readdir(`${REPOSITORY}docs`))
        .filter((name) => name.endsWith('.md'))
        .map((name) => `docs/${name}`),
    ].map(async (path) => [path, await page(path)] as const),
  ),
);

describe('docs/command-line.md', () => {
  it('has every flag and variable, in the words of --help, and no other', () => {
    const documented = tableRows(commandLine).map((row) => row.join(' | '));
    const wanted = ALL_OPTIONS.map((flag) => flagRow(flag).join(' | '));
    assert.deepEqual([...new Set(documented)].sort(), wanted.sort());
  });

  it('has each command with its flags', () => {
    const headings = [...commandLine.matchAll(/^## `(.*)`$/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings, COMMANDS.map(commandHeading));
    for (const command of COMMANDS) {
      const text = section(commandLine, `\`${commandHeading(command)}\``);
      assert.ok(text.includes(command.description), command.name);
      if (command.name === 'plan') continue;
      assert.deepEqual(tableRows(text), byGroup(command.options).map(flagRow), command.name);
    }
    const [exports, plan] = COMMANDS;
    assert.deepEqual(plan?.options, exports?.options);
  });
});

function byGroup<T extends { readonly group: string }>(flags: readonly T[]): T[] {
  const groups = [...new Set(flags.map(({ group }) => group))];
  return groups.flatMap((group) => flags.filter((flag) => flag.group === group));
}

describe('README.md', () => {
  it('shows every command at work', () => {
    for (const { name } of COMMANDS)
      assert.match(readme, new RegExp(`^pasqal-jobs ${name}\\b`, 'm'));
  });

  it('has every exit code and no other', () => {
    const documented = tableRows(section(readme, 'Exit codes')).map(([code]) => Number(code));
    assert.deepEqual(documented, Object.values(EXIT));
  });

  it('has every make target and no other', () => {
    const documented = tableRows(section(readme, 'Two commands')).map(([target]) => target);
    assert.deepEqual(
      documented,
      targets().map((target) => `make ${target}`),
    );
  });

  it('has every variable that may hold a credential', () => {
    const text = section(readme, 'Real jobs');
    for (const name of [...SECRET_VARIABLES, TOKEN_URL_VARIABLE]) {
      assert.match(text, new RegExp(`\\b${name}\\b`));
    }
    assert.match(text, /_FILE/);
  });

  it('shows code that is checked with the other sources', async () => {
    const library = await page('test/examples/library.ts');
    assert.ok(readme.includes(library.replace("'../../src/index.ts'", "'pasqal-jobs-export'")));
    const pipeline = await page('test/examples/night.ts');
    assert.ok(readme.includes(pipeline.replace("'../../src/", "'../src/")));
  });

  it('has every format', () => {
    const text = section(readme, 'What comes out');
    for (const format of FORMATS) assert.ok(text.includes(`jobs.${format}`));
  });
});

function targets(): string[] {
  return (/^\.PHONY: (.*)$/m.exec(makefile)?.[1] ?? '').split(' ');
}

describe('docs/columns.md', () => {
  it('has every column with its type and meaning, and no other', async () => {
    const text = section(pages.get('docs/columns.md') ?? '', 'The jobs table');
    assert.deepEqual(tableRows(text), JOB_COLUMNS.map(columnRow));
  });
});

describe('the Makefile', () => {
  it('explains every target to make help', () => {
    const explained = [...makefile.matchAll(/^([a-z][a-z0-9-]*):.*## ./gm)].map(
      ([, target]) => target,
    );
    assert.deepEqual(explained, targets());
  });
});

describe('every page', () => {
  it('names no flag, variable or make target that does not exist', () => {
    const flags = new Set(ALL_OPTIONS.map(({ flag }) => flag));
    const variables = new Set([
      ...ALL_OPTIONS.map(variableOf),
      ...SECRET_VARIABLES.flatMap((name) => [name, `${name}_FILE`]),
      TOKEN_URL_VARIABLE,
      'PASQAL_JOBS_',
    ]);
    const known = new Set(targets());
    for (const [path, text] of pages) {
      for (const [line] of text.matchAll(
        /^.*pasqal-jobs (?:export|plan|verify|status|report).*$/gm,
      )) {
        for (const [, name = ''] of line.matchAll(/ --(?:no-)?([a-z-]+)/g)) {
          assert.ok(flags.has(name) || name === 'help', `${path}: --${name}`);
        }
      }
      for (const [name] of text.matchAll(/\bPASQAL_[A-Z_]+/g)) {
        assert.ok(variables.has(name), `${path}: ${name}`);
      }
      for (const [, target = ''] of text.matchAll(/(?:`|^)make ([a-z][a-z0-9-]*)/gm)) {
        assert.ok(known.has(target), `${path}: make ${target}`);
      }
    }
  });

  it('links to files that exist', async () => {
    for (const [path, text] of pages) {
      for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
        await access(join(REPOSITORY, dirname(path), target));
      }
    }
  });
});

describe('the sources', () => {
  it('refer to pages and sections that exist', async () => {
    const names = await readdir(`${REPOSITORY}src`, { recursive: true });
    for (const name of names.filter((file) => file.endsWith('.ts'))) {
      const source = await readFile(`${REPOSITORY}src/${name}`, 'utf8');
      for (const [, path = '', heading] of source.matchAll(
        /\b((?:docs\/[a-z-]+\.md)|README)\b(?: "([^"]+)")?/g,
      )) {
        const text = pages.get(path === 'README' ? 'README.md' : path);
        assert.ok(text !== undefined, `${name}: ${path}`);
        assert.ok(
          heading === undefined || section(text, heading) !== '',
          `${name}: ${path} "${heading}"`,
        );
      }
    }
  });

  it('carry the version of package.json and of the changelog', async () => {
    const { name, version } = JSON.parse(await page('package.json'));
    assert.deepEqual({ name, version }, { ...TOOL });
    assert.match(pages.get('CHANGELOG.md') ?? '', new RegExp(`^## \\[${version}\\] - \\d{4}`, 'm'));
  });
});

describe('the check of the docs', () => {
  it('reads tables and sections as they are written', () => {
    const text =
      '# A\n\n## B\n\n| x | y |\n|---|---|\n| `a` | b |\n\n### C\n\n| z |\n|---|\n| c |\n\n## D\n';
    assert.deepEqual(tableRows(section(text, 'B')), [['a', 'b'], ['c']]);
    assert.deepEqual(tableRows(section(text, 'C')), [['c']]);
    assert.equal(section(text, 'E'), '');
  });
});
