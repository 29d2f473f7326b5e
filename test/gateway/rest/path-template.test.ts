import { expect, test } from "vitest";
import { pathTemplate } from "#gateway/rest/path-template";

test.each([
  ["/v1/tasks", "/v1/tasks", {}],
  ["/v1/tasks/{id}", "/v1/tasks/a%2Fb%20c", { id: "a/b c" }],
  ["/v1/tasks/{id}:retry", "/v1/tasks/a:b:retry", { id: "a:b" }],
  [
    "/v1/tasks/{task_id}/steps/{step_name}/result",
    "/v1/tasks/t/steps/s.1/result",
    { task_id: "t", step_name: "s.1" },
  ],
  ["/v1/files/{name=**}", "/v1/files/a%2fb/c%20d", { name: "a%2fb/c d" }],
  ["/v1/{name=tasks/*}/x", "/v1/tasks/7/x", { name: "tasks/7" }],
  [
    "/v1/{template.namespace}/{template.name}",
    "/v1/n/m",
    { "template.namespace": "n", "template.name": "m" },
  ],
  ["/v1/*/end", "/v1/anything/end", {}],
])("%s matches %s", (template, path, values) => {
  expect(pathTemplate(template).match(path)).toEqual(values);
});

test.each([
  ["/v1/tasks", "/v1/tasks/"],
  ["/v1/tasks/{id}", "/v1/tasks/"],
  ["/v1/tasks/{id}", "/v1/tasks/a/b"],
  ["/v1/tasks/{id}", "/v1/tasks/%zz"],
  ["/v1/tasks/{id}:retry", "/v1/tasks/:retry"],
  ["/v1/files/{name=**}", "/v1/files/%zz"],
  ["/v1.x", "/v1ax"],
])("%s does not match %s", (template, path) => {
  expect(pathTemplate(template).match(path)).toBeUndefined();
});

test.each(["v1/tasks", "/v1/{id", "/v1/{}", "/v1/{a}/{a}"])("%s is no template", (template) => {
  expect(() => pathTemplate(template)).toThrow(template);
});

test("the variables are named in their order", () => {
  expect(pathTemplate("/v1/{b}/{a.c}:do").variables).toEqual(["b", "a.c"]);
});
