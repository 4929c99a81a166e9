import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql'
import type { chance } from './random.ts'

type Random = ReturnType<typeof chance>

/** What a client sends: bytes of its own making, not only JSON. */
export interface RandomRequest {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  /** What stands behind the path, by GET. */
  search: string
  body: string
}

/** Names that every object of JavaScript has, or may take for its own. */
const ODD_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'data', 'then']
const ODD_TEXTS = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'null',
  '\0',
  '\ud800',
  '\u2028',
  '快照 😀',
  '"\\',
  'x'.repeat(300),
]
const ODD_NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '100',
  '101',
  '1.0',
  '1.5',
  '1e2',
  '2147483647',
  '2147483648',
  '9007199254740993',
  '1e400',
]
const ODD_JSON = [
  'null',
  'true',
  '"x"',
  '[]',
  '{}',
  '[null]',
  '{"__proto__":1}',
  '{"constructor":{}}',
  ...ODD_NUMBERS,
]
const ACCEPTED = [
  'application/json',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  '*/*',
  'text/event-stream, application/json',
  'text/event-stream',
  'multipart/mixed',
  'application/*;q=0.1',
  'image/png',
  '',
]
const CONTENT_TYPES = [
  'text/plain',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  '',
]

/** Deep documents cost more than is allowed; nothing new is found there. */
const DEPTH = 4

/** What an id of a name is the id of. */
const ID_NAMES: [RegExp, string][] = [
  [/polic/i, 'asp-'],
  [/disk/i, 'v-'],
  [/snapshot/i, 's-'],
]

interface Written {
  variables: { name: string; type: string; fallback: string; json: string | undefined }[]
  fragments: string[]
}

/** Requests of a schema, valid ones and others; `ids` are some that there are. */
export function randomRequests(schema: GraphQLSchema, random: Random, ids: readonly string[]) {
  const maybe = (probability: number, text: () => string) => (random.happens(probability) ? text() : '')
  /** Of a request that is made with care, nothing is wrong, or next to nothing. */
  let isCareful = false
  let aliases = 0
  const goesWrong = (probability: number) => !isCareful && random.happens(probability)

  function quotedText(text: string): string {
    return JSON.stringify(text).replace(/\\u2028/g, '\u2028')
  }

  /** An id of what the argument is about, by its name. */
  function idFor(name: string): string {
    const [, prefix = ''] = ID_NAMES.find(([pattern]) => pattern.test(name)) ?? []
    const right = ids.filter((id) => id.startsWith(prefix))
    return random.happens(0.8) || isCareful ? random.pick(right) : random.pick([...ids, ...ODD_TEXTS])
  }

  /** A value, as GraphQL or as JSON, of an argument or field with this name. */
  function value(type: GraphQLInputType, as: 'GraphQL' | 'JSON', name: string, depth = 0): string {
    if (isNonNullType(type)) return value(type.ofType, as, name, depth)
    if (goesWrong(0.03)) return 'null'
    if (goesWrong(0.03)) return as === 'JSON' ? random.pick(ODD_JSON) : random.pick(ODD_NUMBERS.slice(0, -1))
    if (isListType(type)) {
      if (random.happens(0.1)) return value(type.ofType, as, name, depth)
      return `[${Array.from({ length: isCareful ? 1 : random.below(3) }, () => value(type.ofType, as, name, depth)).join(',')}]`
    }
    if (isEnumType(type)) {
      const name = goesWrong(0.05) ? random.pick(ODD_NAMES) : random.pick(type.getValues()).name
      return as === 'JSON' ? JSON.stringify(name) : name
    }
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields()).flatMap((field) =>
        (isRequiredInputField(field) ? !goesWrong(0.03) : random.happens(0.3 / (depth + 1)))
          ? [
              `${as === 'JSON' ? JSON.stringify(field.name) : field.name}:${value(field.type, as, field.name, depth + 1)}`,
            ]
          : [],
      )
      if (goesWrong(0.03)) {
        const odd = random.pick(ODD_NAMES)
        fields.push(`${as === 'JSON' ? JSON.stringify(odd) : odd}:1`)
      }
      return `{${fields.join(',')}}`
    }
    switch (type.name) {
      case 'Int':
      case 'SafeInt':
        return goesWrong(0.2) ? random.pick(ODD_NUMBERS.slice(0, -1)) : String(1 + random.below(12))
      case 'Boolean':
        return String(random.happens(0.5))
      case 'ID':
        return JSON.stringify(idFor(name))
      case 'DateTime':
        return JSON.stringify(goesWrong(0.2) ? random.pick(ODD_TEXTS) : '2026-01-01T00:00:00Z')
      default:
        return quotedText(goesWrong(0.4) ? random.pick(ODD_TEXTS) : `name-${random.below(50)}`)
    }
  }

  function variable(written: Written, type: GraphQLInputType, about: string): string {
    const free = ['v', 'w', ...ODD_NAMES].filter(
      (name) => !written.variables.some((one) => one.name === name),
    )
    const name = free.length > 0 && random.happens(0.5) ? random.pick(free) : `v${written.variables.length}`
    const isOptional = !isNonNullType(type)
    const fallback = maybe(isOptional ? 0.2 : 0.05, () => ` = ${value(type, 'GraphQL', about)}`)
    const json = random.happens(isOptional ? 0.7 : isCareful ? 1 : 0.96)
      ? goesWrong(0.07)
        ? random.pick(ODD_JSON)
        : value(type, 'JSON', about)
      : undefined
    const declared = isOptional && goesWrong(0.05) ? `${String(type)}!` : String(type)
    written.variables.push({ name, type: declared, fallback, json })
    return `$${name}`
  }

  function argumentsOf(written: Written, { name, args }: GraphQLField<unknown, unknown>): string {
    const given = args.flatMap((argument) => {
      if (isCareful && /^(last|before|after)$/.test(argument.name)) return []
      if (!(isRequiredArgument(argument) ? !goesWrong(0.01) : random.happens(0.3))) return []
      const about = argument.name === 'id' || argument.name === 'ids' ? name : argument.name
      const isVariable = random.happens(0.5)
      const given = isVariable
        ? variable(written, argument.type, about)
        : value(argument.type, 'GraphQL', about)
      return [`${argument.name}: ${given}`]
    })
    return given.length > 0 ? `(${given.join(', ')})` : ''
  }

  function directives(written: Written): string {
    return maybe(0.12, () => {
      const condition = random.happens(0.5)
        ? String(random.happens(0.5))
        : variable(written, (schema.getDirective('skip')?.args[0] ?? never()).type, 'if')
      return ` @${random.pick(['skip', 'include'])}(if: ${condition})`
    })
  }

  /** What may be selected of the type; there may be nothing in the end. */
  function selection(written: Written, type: GraphQLCompositeType, depth: number): string {
    const parts: string[] = []
    const taken = new Set<string>()
    const fields = isAbstractType(type) && !isInterfaceType(type) ? [] : Object.values(type.getFields())
    const possible = fields.filter((field) => depth > 0 || !isCompositeType(getNamedType(field.type)))
    for (let count = 1 + random.below(3); count > 0 && possible.length > 0; count--) {
      parts.push(field(written, random.pick(possible), depth, taken))
    }
    if (isAbstractType(type)) {
      for (const member of schema.getPossibleTypes(type)) {
        if (random.happens(0.2))
          parts.push(
            `... on ${member.name}${directives(written)} { ${selection(written, member, depth - 1)} }`,
          )
      }
    } else if (random.happens(0.15)) {
      const on = random.pick(['', ` on ${type.name}`])
      parts.push(`...${on}${directives(written)} { ${selection(written, type, depth - 1)} }`)
    }
    // A member of an interface of this type that this type is not: valid, and selects nothing.
    const [shared] = isObjectType(type) ? type.getInterfaces() : []
    if (shared && random.happens(0.1)) {
      const other = random.pick(schema.getPossibleTypes(shared))
      parts.push(`... on ${shared.name} { ... on ${other.name} { __typename } }`)
    }
    if (random.happens(0.1)) {
      const name = `F${written.fragments.length}`
      written.fragments.push('')
      written.fragments[Number(name.slice(1))] =
        `fragment ${name} on ${type.name} { ${selection(written, type, depth - 1)} }`
      parts.push(`...${name}${directives(written)}`)
    }
    return parts.length > 0 && random.happens(0.9) ? parts.join(' ') : `__typename ${parts.join(' ')}`
  }

  function field(
    written: Written,
    { name, type, args, ...rest }: GraphQLField<unknown, unknown>,
    depth: number,
    taken: Set<string>,
  ): string {
    // Cursors and secrets are known by their names, so that a test may look past them.
    const mayRename = !/cursor|token/i.test(name)
    const alias = mayRename && (taken.has(name) || random.happens(0.15)) ? `${aliasFor(taken)}: ` : ''
    taken.add(name)
    const named = getNamedType(type)
    const inner = isCompositeType(named) ? ` { ${selection(written, named, depth - 1)} }` : ''
    const given = argumentsOf(written, { name, type, args, ...rest })
    return `${alias}${name}${given}${directives(written)}${inner}`
  }

  function aliasFor(taken: Set<string>): string {
    const free = ODD_NAMES.filter((name) => !taken.has(name))
    const alias = free.length > 0 && random.happens(0.6) ? random.pick(free) : `a${aliases++}`
    taken.add(alias)
    return alias
  }

  function operation(kind: 'query' | 'mutation', name: string, written: Written): string {
    const root = (kind === 'query' ? schema.getQueryType() : schema.getMutationType()) ?? never()
    const first = written.variables.length
    let selected =
      kind === 'query'
        ? selection(written, root, DEPTH)
        : field(written, random.pick(Object.values(root.getFields())), DEPTH, new Set())
    if (kind === 'query' && random.happens(0.03)) selected = `${selected} __type(name: "Disk") { name }`
    const declared = written.variables
      .slice(first)
      .map((one) => `$${one.name}: ${one.type}${one.fallback}`)
      .join(', ')
    if (kind === 'query' && !name && !declared) return `{ ${selected} }`
    return `${kind}${name && ` ${name}`}${declared && ` (${declared})`} { ${selected} }`
  }

  function broken(document: string): string {
    const at = random.below(document.length)
    return random.pick([
      () => document.slice(0, at),
      () => `${document.slice(0, at)}nothing ${document.slice(at)}`,
      () =>
        `${document.slice(0, at)}${random.pick(['{', '}', '"', '$', '!', '...', '\0', '😀'])}${document.slice(at)}`,
      () => `${document} ${document}`,
      () => '',
    ])()
  }

  /** The texts of the parameters in JSON, by name; the same name may be there twice. */
  function parameters(document: string, written: Written, names: string[]): [string, string][] {
    const entries = written.variables.flatMap(({ name, json }) =>
      json === undefined ? [] : [`${JSON.stringify(name)}:${json}`],
    )
    if (goesWrong(0.03)) entries.push(...entries)
    if (goesWrong(0.03)) entries.push(`${JSON.stringify(random.pick(ODD_NAMES))}:1`)
    const all: [string, string][] = [['query', JSON.stringify(document)]]
    if (entries.length > 0 || random.happens(0.3)) all.push(['variables', `{${entries.join(',')}}`])
    else if (goesWrong(0.05)) all.push(['variables', random.pick(ODD_JSON)])
    const [own = ''] = names
    if (own !== '' || random.happens(0.15)) {
      const others = ['null', '""', '7', '{}', '"Other"', ...ODD_NAMES.map((name) => JSON.stringify(name))]
      all.push(['operationName', goesWrong(0.3) ? random.pick(others) : own ? JSON.stringify(own) : 'null'])
    }
    if (goesWrong(0.03)) all.push(['extensions', random.pick(ODD_JSON)])
    if (goesWrong(0.02)) all.push([random.pick([...ODD_NAMES, 'surplus', '']), '1'])
    if (goesWrong(0.02)) all.push(random.pick(all))
    return all
  }

  /** A subscription to one root field, and its variables as JSON; valid unless something about it is wrong. */
  function nextSubscription(root: string): { document: string; variables: string } {
    isCareful = random.happens(0.8)
    aliases = 0
    const written: Written = { variables: [], fragments: [] }
    const field = schema.getSubscriptionType()?.getFields()[root] ?? never()
    const selected = selection(written, getNamedType(field.type) as GraphQLCompositeType, DEPTH)
    const declared = written.variables.map((one) => `$${one.name}: ${one.type}${one.fallback}`).join(', ')
    const given = written.variables.flatMap(({ name, json }) =>
      json === undefined ? [] : [`${JSON.stringify(name)}:${json}`],
    )
    return {
      document: [
        `subscription ${declared && `(${declared})`} { ${root} { ${selected} } }`,
        ...written.fragments,
      ].join(' '),
      variables: `{${given.join(',')}}`,
    }
  }

  function next(): RandomRequest {
    isCareful = random.happens(0.6)
    aliases = 0
    const kind = random.happens(0.3) ? 'mutation' : 'query'
    const written: Written = { variables: [], fragments: [] }
    const names = random.happens(0.3) ? [random.pick(['Own', 'Own', ...ODD_NAMES])] : ['']
    let document = operation(kind, names[0] ?? '', written)
    if (names[0] && random.happens(0.2)) document += ` ${operation('query', 'Second', written)}`
    document = [document, ...written.fragments].join(' ')
    if (goesWrong(0.06)) document = broken(document)
    const all = parameters(document, written, names)
    const accept = random.happens(0.15) ? undefined : random.pick(isCareful ? ACCEPTED.slice(0, 6) : ACCEPTED)
    const headers: Record<string, string> = accept === undefined ? {} : { accept }
    if (kind === 'query' && random.happens(0.05)) {
      const search = new URLSearchParams(
        all.map(([name, json]) => [name, /^(variables|extensions)$/.test(name) ? json : textOf(json)]),
      ).toString()
      return {
        method: 'GET',
        headers,
        search: `?${search}`,
        body: '',
      }
    }
    headers['content-type'] = goesWrong(0.1) ? random.pick(CONTENT_TYPES) : 'application/json'
    const object = `{${all.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
    const body = goesWrong(0.04)
      ? random.pick([`[${object}]`, '', 'null', '{}', object.slice(1), ...ODD_JSON])
      : object
    return { method: 'POST', headers, search: '', body }
  }

  return { next, nextSubscription }
}

function textOf(json: string): string {
  const value: unknown = JSON.parse(json)
  return typeof value === 'string' ? value : json
}

function never(): never {
  throw new Error('The schema has no such type.')
}
