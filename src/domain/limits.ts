export { limits } from "#limits/index";
