/** What Runs have written, by day, server process and namespace. */
export const outputDays = `
CREATE TABLE output_days (
  -- Days since 1970, UTC.
  day integer NOT NULL,
  writer text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (day, writer, namespace)
);
`;
