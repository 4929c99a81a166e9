import { execFile, spawnSync } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'

const hasJdk = ['java', 'javac'].every((program) => spawnSync(program, ['--version']).status === 0)

/** Asks with the default client, which tries to upgrade each of its requests to HTTP/2. */
const JAVA = `
import java.net.URI;
import java.net.http.*;

class Ask {
  public static void main(String[] args) throws Exception {
    var client = HttpClient.newHttpClient();
    var get = HttpRequest.newBuilder(URI.create(args[0] + "/readyz")).build();
    var post = HttpRequest.newBuilder(URI.create(args[0] + "/graphql"))
      .header("content-type", "application/json")
      .POST(HttpRequest.BodyPublishers.ofString("{\\"query\\":\\"{ __typename }\\"}"))
      .build();
    for (var request : new HttpRequest[] { post, get, post }) {
      var response = client.send(request, HttpResponse.BodyHandlers.ofString());
      System.out.println(response.statusCode() + " " + response.version() + " " + response.body().trim());
    }
  }
}
`

test.skipIf(!hasJdk)('the HTTP client of Java is answered (skipped where there is no JDK)', async () => {
  await using app = await startTestApp()
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const program = join(folder.path, 'Ask.java')
  await writeFile(program, JAVA)

  const { stdout } = await promisify(execFile)('java', [program, app.url])

  expect(stdout).toMatch(
    /^200 HTTP_1_1 \{"data":\{"__typename":"Query"\}.*\n200 HTTP_1_1 ok\n200 HTTP_1_1 \{/,
  )
})
