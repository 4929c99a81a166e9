import type { End, Work } from '../api/own-work.ts'
import { useSettings, type Language } from '../settings.tsx'

/** The texts of the notices. */
const en = {
  title: 'Notices',
  view: 'View',
  dismiss: 'Dismiss',
  dismissAll: 'Dismiss all',
  more: (count: string) => `${count} more in Activity`,
  said: {
    SUCCEEDED: {
      CREATE_SNAPSHOT: (name: string) => `Snapshot ${name} created`,
      DELETE_SNAPSHOT: (name: string) => `Snapshot ${name} deleted`,
      VERIFY_SNAPSHOT: (name: string) => `Snapshot ${name} verified: the copy is intact`,
      CREATE_DISK: (name: string) => `Disk ${name} created`,
      ATTACH_DISK: (name: string) => `Disk ${name} attached`,
      DETACH_DISK: (name: string) => `Disk ${name} detached`,
      RESIZE_DISK: (name: string) => `Disk ${name} resized`,
      ROLL_BACK_DISK: (name: string) => `Disk ${name} rolled back`,
      RELEASE_DISK: (name: string) => `Disk ${name} released`,
    },
    FAILED: {
      CREATE_SNAPSHOT: (name: string) => `Creating snapshot ${name} failed`,
      DELETE_SNAPSHOT: (name: string) => `Deleting snapshot ${name} failed`,
      VERIFY_SNAPSHOT: (name: string) => `Verification of snapshot ${name} failed`,
      CREATE_DISK: (name: string) => `Creating disk ${name} failed`,
      ATTACH_DISK: (name: string) => `Attaching disk ${name} failed`,
      DETACH_DISK: (name: string) => `Detaching disk ${name} failed`,
      RESIZE_DISK: (name: string) => `Resizing disk ${name} failed`,
      ROLL_BACK_DISK: (name: string) => `Rolling back disk ${name} failed`,
      RELEASE_DISK: (name: string) => `Releasing disk ${name} failed`,
    },
    CANCELLED: {
      CREATE_SNAPSHOT: (name: string) => `Creation of snapshot ${name} cancelled`,
      DELETE_SNAPSHOT: (name: string) => `Deletion of snapshot ${name} cancelled`,
      VERIFY_SNAPSHOT: (name: string) => `Verification of snapshot ${name} cancelled`,
      CREATE_DISK: (name: string) => `Creation of disk ${name} cancelled`,
      ATTACH_DISK: (name: string) => `Attachment of disk ${name} cancelled`,
      DETACH_DISK: (name: string) => `Detachment of disk ${name} cancelled`,
      RESIZE_DISK: (name: string) => `Resize of disk ${name} cancelled`,
      ROLL_BACK_DISK: (name: string) => `Rollback of disk ${name} cancelled`,
      RELEASE_DISK: (name: string) => `Release of disk ${name} cancelled`,
    },
  } satisfies Record<End['result'], Record<Work, (name: string) => string>>,
  browser: 'Browser notifications',
  browserHint: 'Notify me while this page is hidden when something I started ends or fails',
  blocked: 'The browser blocks notifications from this site. Allow them in its settings.',
  several: (count: number) => `${count} operations ended`,
}

type NoticeWords = typeof en

const zh: NoticeWords = {
  title: '通知',
  view: '查看',
  dismiss: '关闭',
  dismissAll: '全部关闭',
  more: (count) => `另有 ${count} 条，查看操作记录`,
  said: {
    SUCCEEDED: {
      CREATE_SNAPSHOT: (name) => `快照 ${name} 创建成功`,
      DELETE_SNAPSHOT: (name) => `快照 ${name} 已删除`,
      VERIFY_SNAPSHOT: (name) => `快照 ${name} 校验通过`,
      CREATE_DISK: (name) => `磁盘 ${name} 创建成功`,
      ATTACH_DISK: (name) => `磁盘 ${name} 挂载成功`,
      DETACH_DISK: (name) => `磁盘 ${name} 卸载成功`,
      RESIZE_DISK: (name) => `磁盘 ${name} 扩容成功`,
      ROLL_BACK_DISK: (name) => `磁盘 ${name} 回滚成功`,
      RELEASE_DISK: (name) => `磁盘 ${name} 已释放`,
    },
    FAILED: {
      CREATE_SNAPSHOT: (name) => `快照 ${name} 创建失败`,
      DELETE_SNAPSHOT: (name) => `快照 ${name} 删除失败`,
      VERIFY_SNAPSHOT: (name) => `快照 ${name} 校验失败`,
      CREATE_DISK: (name) => `磁盘 ${name} 创建失败`,
      ATTACH_DISK: (name) => `磁盘 ${name} 挂载失败`,
      DETACH_DISK: (name) => `磁盘 ${name} 卸载失败`,
      RESIZE_DISK: (name) => `磁盘 ${name} 扩容失败`,
      ROLL_BACK_DISK: (name) => `磁盘 ${name} 回滚失败`,
      RELEASE_DISK: (name) => `磁盘 ${name} 释放失败`,
    },
    CANCELLED: {
      CREATE_SNAPSHOT: (name) => `已取消创建快照 ${name}`,
      DELETE_SNAPSHOT: (name) => `已取消删除快照 ${name}`,
      VERIFY_SNAPSHOT: (name) => `已取消校验快照 ${name}`,
      CREATE_DISK: (name) => `已取消创建磁盘 ${name}`,
      ATTACH_DISK: (name) => `已取消挂载磁盘 ${name}`,
      DETACH_DISK: (name) => `已取消卸载磁盘 ${name}`,
      RESIZE_DISK: (name) => `已取消扩容磁盘 ${name}`,
      ROLL_BACK_DISK: (name) => `已取消回滚磁盘 ${name}`,
      RELEASE_DISK: (name) => `已取消释放磁盘 ${name}`,
    },
  },
  browser: '浏览器通知',
  browserHint: '页面在后台时，通知我发起的操作的完成或失败',
  blocked: '浏览器已阻止本站的通知，请在浏览器设置中允许。',
  several: (count) => `${count} 项操作已结束`,
}

const WORDS: Record<Language, NoticeWords> = { en, zh }

export const useNoticeWords = (): NoticeWords => WORDS[useSettings().language]
