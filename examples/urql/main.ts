import { startPage } from '../page.ts'
import { create, live } from './live.ts'

startPage({ create, live })
