/**
 * Restorations of the database from a backup, as an operator has said them; the last one began the present life of the store. Not
 * in `plane`, whose row every start of a server that is alone on the store writes.
 */
export const restores = `
CREATE TABLE restores (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Drawn at random by each.
  id text COLLATE "C" NOT NULL,
  -- The first instant of plane time after it.
  since bigint NOT NULL,
  said_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
`;
