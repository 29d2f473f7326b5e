/** Rpcs that every server has, by what an attacker wants of them. */
export const paths = {
  unary: "/taskrun.v1.TaskService/CreateTask",
  batch: "/taskrun.v1.TaskService/BatchCreateTasks",
  list: "/taskrun.v1.TaskService/ListTasks",
  get: "/taskrun.v1.TaskService/GetTask",
  watch: "/taskrun.v1.TaskService/WatchTask",
  worker: "/taskrun.v1.RunService/StreamConnect",
  reflection: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  healthWatch: "/grpc.health.v1.Health/Watch",
  healthCheck: "/grpc.health.v1.Health/Check",
} as const;
