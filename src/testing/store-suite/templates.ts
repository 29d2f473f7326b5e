import type { TemplateRef } from "#domain/template/template";
import { limits } from "#limits/index";
import type { Store, TemplateFilter } from "#ports/store";
import { commit, loaded, task, taskId, template } from "../rows.js";
import { nowAndAfterRestart, type Suite } from "./kit.js";

const id = taskId(1);
const ref = (namespace: string, name: string, version = ""): TemplateRef => ({ namespace, name, version });

/** Templates, which never change. */
export function templateTests({ test, expect, use }: Suite): void {
  test("a template comes back as it was registered, for turns and for readers", () =>
    use(async (store, reopen) => {
      const row = template("etl", "1.2.0", {
        body: {
          name: "etl",
          namespace_name: "default",
          version: "1.2.0",
          metadata: { "a.b\"c'": [0.25, null, "𝄞", { z: 1, a: 2 }] },
          steps: [{ name: "main", handler: { callable: "echo" }, dependencies: [] }],
        },
        source: '# It\'s "quoted"\nname: etl\t\n',
      });
      await store.commit(commit({ templates: [row, template("other", "0.1.0")] }));

      await nowAndAfterRestart(store, reopen, async (opened) => {
        const wanted = ref("default", "etl", "1.2.0");
        expect(await opened.load({ templates: [wanted, wanted] })).toEqual(loaded({ templates: [row] }));
        expect(await opened.reads.template(wanted)).toEqual(row);
        for (const unknown of [
          ref("default", "etl", "1.2.1"),
          ref("elsewhere", "etl"),
          ref("default", "x"),
        ]) {
          expect(await opened.load({ templates: [unknown] })).toEqual(loaded());
          expect(await opened.reads.template(unknown)).toBe(undefined);
        }
      });
    }));

  test("a version that is there refuses the whole commit, whatever it says", () =>
    use(async (store) => {
      const first = template("etl", "1.0.0");
      await store.commit(commit({ templates: [first] }));
      const again = { ...first, digest: "another" };

      for (const templates of [[first], [again], [template("new", "1.0.0"), again]]) {
        const refused = store.commit(commit({ tasks: [task(id)], templates }));
        await expect(refused).rejects.toMatchObject({ code: "conflict" });
      }
      const twice = [template("new", "1.0.0"), template("new", "1.0.0")];
      await expect(store.commit(commit({ templates: twice }))).rejects.toMatchObject({ code: "conflict" });
      expect(await store.load({ wholeTasks: [id], templates: [ref("default", "new")] })).toEqual(loaded());
      expect(await store.reads.template(first)).toEqual(first);
      await store.commit(commit({ templates: [template("etl", "1.0.0", { namespace: "elsewhere" })] }));
    }));

  test("the newest version is the one of highest precedence, whenever it was registered", () =>
    use(async (store, reopen) => {
      const newest = async (opened: Store) => {
        const found = await opened.load({ templates: [ref("default", "etl")] });
        const shown = await opened.reads.template(ref("default", "etl"));
        expect(found.templates).toEqual([shown]);
        return shown?.version;
      };
      const steps = [
        ["1.0.0-rc.2", "1.0.0-rc.2"],
        ["1.0.0-rc.10", "1.0.0-rc.10"],
        ["1.0.0-alpha", "1.0.0-rc.10"],
        ["1.0.0", "1.0.0"],
        ["1.10.0", "1.10.0"],
        ["1.9.0", "1.10.0"],
        ["2.0.0-beta", "2.0.0-beta"],
      ] as const;
      for (const [version, expected] of steps) {
        await store.commit(
          commit({
            templates: [template("etl", version), template("etl-2", "9.0.0", { namespace: version })],
          }),
        );
        expect(await newest(store)).toBe(expected);
      }
      const again = await reopen();
      await again.boot();
      expect(await newest(again)).toBe("2.0.0-beta");
    }));
}

/** The list of templates. */
export function templateListTests({ test, expect, use }: Suite): void {
  const page = (store: Store, filter: TemplateFilter, after: TemplateRef | undefined, size: number) =>
    store.reads.templates(filter, after, size);
  const all = async (store: Store, filter: TemplateFilter, size: number, from?: TemplateRef) => {
    const shown: string[] = [];
    let after = from;
    do {
      const { templates, next } = await page(store, filter, after, size);
      expect(templates.length > 0 || next === undefined).toBe(true);
      shown.push(...templates.map(({ namespace, name, version }) => `${namespace}/${name}@${version}`));
      after = next;
    } while (after !== undefined);
    return shown;
  };

  test("templates are listed by namespace and name, the newest version first, page by page", () =>
    use(async (store) => {
      const rows = [
        template("b", "1.9.0", { namespace: "n1" }),
        template("b", "1.10.0", { namespace: "n1" }),
        template("b", "1.10.0-rc.1", { namespace: "n1" }),
        template("a", "1.0.0", { namespace: "n2" }),
        template("a", "1.0.0", { namespace: "n1" }),
        template("b", "0.1.0", { namespace: "n3" }),
      ];
      await store.commit(commit({ templates: rows }));
      const inOrder = [
        "n1/a@1.0.0",
        "n1/b@1.10.0",
        "n1/b@1.10.0-rc.1",
        "n1/b@1.9.0",
        "n2/a@1.0.0",
        "n3/b@0.1.0",
      ];

      for (const size of [1, 2, 3, 4, 6, 100]) {
        expect(await all(store, { namespaces: "*" }, size)).toEqual(inOrder);
        expect(await all(store, { namespaces: ["n3", "n1", "none", "n1"] }, size)).toEqual([
          ...inOrder.slice(0, 4),
          ...inOrder.slice(5),
        ]);
        expect(await all(store, { namespaces: "*", name: "b" }, size)).toEqual([
          ...inOrder.slice(1, 4),
          ...inOrder.slice(5),
        ]);
        expect(await all(store, { namespaces: ["n2"], name: "b" }, size)).toEqual([]);
        expect(await all(store, { namespaces: [] }, size)).toEqual([]);
      }
      const between = ref("n1", "b", "1.9.5");
      expect(await all(store, { namespaces: "*" }, 2, between)).toEqual(inOrder.slice(3));
      expect(await all(store, { namespaces: "*", name: "a" }, 2, between)).toEqual(["n2/a@1.0.0"]);
      expect((await page(store, { namespaces: "*" }, undefined, 2)).next).toEqual(ref("n1", "b", "1.10.0"));
      expect((await page(store, { namespaces: "*" }, undefined, 6)).next).toBe(undefined);
    }));

  test("a page of large templates ends early, and the list goes on after it", () =>
    use(async (store) => {
      const source = "x".repeat(limits.pageBytes / 4);
      const rows = Array.from({ length: 7 }, (_, i) => template(`t${i}`, "1.0.0", { source }));
      await store.commit(commit({ templates: rows }));

      const first = await page(store, { namespaces: "*" }, undefined, 100);
      expect(first.templates.length).toBe(4);
      const second = await page(store, { namespaces: "*" }, first.next, 100);
      expect([...first.templates, ...second.templates]).toEqual(rows);
      expect(second.next).toBe(undefined);
    }));
}
