import Database from 'libsql';

/** Locks the database named as its argument against everybody, until its standard input ends. */

const db = new Database(process.argv[2] ?? '');
db.exec('pragma busy_timeout = 5000');
db.exec('begin exclusive');
process.stdout.write('locked\n');
process.stdin.on('end', () => {
  db.exec('rollback');
  db.close();
});
process.stdin.resume();
