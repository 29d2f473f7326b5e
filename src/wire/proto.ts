/**
 * The messages and services of `taskrun.v1`, as generated, for clients that bring a transport of their own, such as
 * connect-web in a browser. It imports nothing but `@bufbuild/protobuf`, so that a browser can load it without a bundler.
 */
export * from "./gen/google/rpc/error_details_pb.js";
export * from "./gen/taskrun/v1/common_pb.js";
export * from "./gen/taskrun/v1/node_service_pb.js";
export * from "./gen/taskrun/v1/run_service_pb.js";
export * from "./gen/taskrun/v1/task_service_pb.js";
export * from "./gen/taskrun/v1/template_service_pb.js";
export * from "./gen/taskrun/v1/worker_service_pb.js";
