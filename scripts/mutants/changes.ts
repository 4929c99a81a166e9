import ts from 'typescript'

/** One change to a source file that the tests should notice. */
export interface Mutant {
  file: string
  /** 1-based line of the change. */
  line: number
  /** Offsets of the text that is replaced. */
  start: number
  end: number
  replacement: string
  /** Offset of the statement or function body that runs this code: which tests reach it is counted there. */
  probe: number
}

const OPERATORS = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.LessThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '<'],
  [ts.SyntaxKind.GreaterThanToken, '>='],
  [ts.SyntaxKind.GreaterThanEqualsToken, '>'],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.QuestionQuestionToken, '&&'],
  [ts.SyntaxKind.PlusToken, '-'],
  [ts.SyntaxKind.MinusToken, '+'],
  [ts.SyntaxKind.AsteriskToken, '/'],
  [ts.SyntaxKind.SlashToken, '*'],
  [ts.SyntaxKind.PercentToken, '*'],
  [ts.SyntaxKind.PlusEqualsToken, '-='],
  [ts.SyntaxKind.MinusEqualsToken, '+='],
  [ts.SyntaxKind.QuestionQuestionEqualsToken, '='],
])

const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['floor', 'ceil'],
  ['ceil', 'floor'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
])

/** Words of SQL, which stand in template literals, and what takes their place. */
const SQL = /\b(?:SELECT|WHERE|AND|ORDER BY|SET|INSERT|DELETE)\b/
const SQL_WORDS: [RegExp, string][] = [
  [/\bAND\b/g, 'OR'],
  [/\bNOT (?!NULL|EXISTS|IN)/g, ''],
  [/\bIS NOT NULL\b/g, 'IS NULL'],
  [/\bIS NULL\b/g, 'IS NOT NULL'],
  [/\bASC\b/g, 'DESC'],
  [/\bDESC\b/g, 'ASC'],
  [/ <= /g, ' < '],
  [/ >= /g, ' > '],
  [/ < /g, ' <= '],
  [/ > /g, ' >= '],
  [/ = /g, ' <> '],
]

/** Calls that promise nothing to anybody but who reads the log. */
const LOGGING = /^(?:await )?(?:\w+\.)*(?:log|logger|console)\??\.\w+\(/

type Found = Omit<Mutant, 'file' | 'line' | 'probe'>

/** All mutants of a source file, in the order of the text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  ts.forEachChild(source, (node) => visit(node, 0))
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end)

  function visit(node: ts.Node, probe: number): void {
    if (isUnbroken(node, source)) return
    const nearest = isProbed(node) ? node.getStart(source) : probe
    for (const found of changesOf(node, source))
      mutants.push({
        file,
        line: source.getLineAndCharacterOfPosition(found.start).line + 1,
        probe: nearest,
        ...found,
      })
    ts.forEachChild(node, (child) => visit(child, nearest))
  }
}

/** Types, imports and messages are not broken, nor what is only logged. */
function isUnbroken(node: ts.Node, source: ts.SourceFile): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    (ts.isExpressionStatement(node) && LOGGING.test(node.getText(source)))
  )
}

/** Where a counter can stand: a statement of a list, a statement after `if` or `else`, and the body of `() => value`. */
export function isProbed(node: ts.Node): boolean {
  if (ts.isArrowFunction(node.parent) && node.parent.body === node) return !ts.isBlock(node)
  if (!ts.isStatement(node) || ts.isBlock(node)) return false
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || isTypeOnly(node)) return false
  return isList(node.parent) || isBody(node)
}

const isTypeOnly = (node: ts.Node) =>
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node)

const isList = (node: ts.Node) =>
  ts.isSourceFile(node) || ts.isBlock(node) || ts.isCaseClause(node) || ts.isDefaultClause(node)

/** Whether the statement is the body of another, without braces. */
export const isBody = (node: ts.Node) =>
  ts.isIfStatement(node.parent) || ts.isIterationStatement(node.parent, false)

function* changesOf(node: ts.Node, source: ts.SourceFile): Generator<Found> {
  const at = (target: ts.Node, replacement: string): Found => ({
    start: target.getStart(source),
    end: target.end,
    replacement,
  })
  if (ts.isBinaryExpression(node)) {
    const operator = OPERATORS.get(node.operatorToken.kind)
    if (operator !== undefined && !isText(node)) yield at(node.operatorToken, operator)
  } else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken) yield at(node, node.operand.getText(source))
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) yield at(node, 'false')
  else if (node.kind === ts.SyntaxKind.FalseKeyword) yield at(node, 'true')
  else if (ts.isNumericLiteral(node) && !ts.isPropertyAssignment(node.parent))
    yield at(node, `(${node.text} + 1)`)
  else if (ts.isIfStatement(node)) {
    yield at(node.expression, 'true')
    yield at(node.expression, 'false')
  } else if (ts.isConditionalExpression(node)) {
    yield at(node.condition, 'true')
    yield at(node.condition, 'false')
  } else if (ts.isPropertyAccessExpression(node) && ts.isCallExpression(node.parent)) {
    const other = METHODS.get(node.name.text)
    if (other !== undefined && node.parent.expression === node) yield at(node.name, other)
  } else if (ts.isExpressionStatement(node)) yield at(node, ';')
  else if (ts.isThrowStatement(node)) yield at(node, ';')
  else if (ts.isTemplateLiteral(node) || ts.isStringLiteral(node)) yield* sqlChanges(node, source)
}

/** `a + b` of texts is a message, and `-` between texts would only be a type error. */
const isText = ({ operatorToken, left, right }: ts.BinaryExpression) =>
  (operatorToken.kind === ts.SyntaxKind.PlusToken || operatorToken.kind === ts.SyntaxKind.PlusEqualsToken) &&
  [left, right].some((side) => ts.isStringLiteral(side) || ts.isTemplateLiteral(side))

function* sqlChanges(node: ts.TemplateLiteral | ts.StringLiteral, source: ts.SourceFile): Generator<Found> {
  const text = node.getText(source)
  if (!SQL.test(text)) return
  const pieces = ts.isTemplateExpression(node)
    ? [node.head, ...node.templateSpans.map(({ literal }) => literal)]
    : [node]
  for (const piece of pieces) {
    const from = piece.getStart(source)
    for (const [word, replacement] of SQL_WORDS)
      for (const match of piece.getText(source).matchAll(word))
        yield { start: from + match.index, end: from + match.index + match[0].length, replacement }
  }
}

/** The file's text with the mutant in it. */
export const broken = (text: string, { start, end, replacement }: Mutant) =>
  text.slice(0, start) + replacement + text.slice(end)
