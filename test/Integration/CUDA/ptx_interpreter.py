#===- ptx_interpreter.py - Runs PTX without a GPU ----------------------------===//
#
# Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===//
"""Minimal numpy PTX interpreter (warp granularity, min-PC divergence) for validating generated kernels without a GPU."""
import os, re, sys, numpy as np, random
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shared_memory import Fault, SharedMemory
U32,U64,F32=np.uint32,np.uint64,np.float32
SHB=0x7f0000000000; PAB=0x500000000000; RK=24
def bf2f(u16): return (u16.astype(U32)<<U32(16)).view(F32)
def f2bf(f):
    u=np.asarray(f,F32).view(U32); r=(u+U32(0x7fff)+((u>>U32(16))&U32(1)))>>U32(16)
    return np.where(np.isnan(f),np.uint16(0x7fff),r.astype(np.uint16)).astype(np.uint16)
def h2f(u16): return np.asarray(u16,np.uint16).view(np.float16).astype(F32)
def f2h(f):
    with np.errstate(over='ignore'): return np.asarray(f,F32).astype(np.float16).view(np.uint16)
class TMap:
    def __init__(s,arr,box,fixed=False): s.arr=arr; s.box=box; s.fixed=fixed  # arr: 2-D uint16 ndarray view (rows, cols); box=(inner,outer); fixed: of what no kernel writes
GUARD=1<<15
class Mem:
    """Global memory: buffers with guard zones that nobody may touch between them."""
    def __init__(s): s.buf=np.full(1<<26,0xff,np.uint8); s.ok=np.zeros(1<<26,bool); s.top=1<<16
    def put(s,a):
        a=np.ascontiguousarray(a); p=s.top; n=a.nbytes; s.buf[p:p+n]=a.view(np.uint8).reshape(-1); s.ok[p:p+n]=True; s.top=(p+n+GUARD+1023)//1024*1024; return p
    def check(s,a,n,what):
        """Every address's n bytes lie in a buffer."""
        a=np.asarray(a); bad=(a<0)|(a+n>s.buf.size); c=np.where(bad,0,a)
        for q in range(n): bad=bad|~s.ok[c+q]
        if bad.any(): raise Fault(f'global memory: {what} of {n} bytes outside of buffers at {int(a[bad][0]):#x}')
    def tensor_map(s,p,rows,m):
        """What a map of a launch description covers: `rows` of the buffer at p."""
        if rows==0: return TMap(np.zeros((0,m['columns']),np.uint16),tuple(m['box']))
        pitch=m['row_bytes']//2; n=(rows-1)*pitch+m['columns']
        if m['row_bytes']%16 or not s.ok[p:p+2*n].all(): raise Fault('tensor map: rows of %d bytes, or outside of its buffer'%m['row_bytes'])
        return TMap(np.lib.stride_tricks.as_strided(s.buf[p:p+2*n].view(np.uint16),(rows,m['columns']),(2*pitch,2)),tuple(m['box']),m['rows'][0].isdigit())
    def view(s,p,shape,dt): n=int(np.prod(shape))*np.dtype(dt).itemsize; return s.buf[p:p+n].view(dt).reshape(shape)
def parse(path,change=None):
    src=open(path).read(); src=change(src) if change else src; src=re.sub(r'//.*','',src); kern=re.search(r'\.entry\s+(\w+)\((.*?)\)',src,re.S)
    params=re.findall(r'\.param\s+([^,\n]*?)(\w+)(?:\[(\d+)\])?\s*(?:,|$)',kern.group(2).strip(),re.M)
    body=src[kern.end():]; attrs=body[:body.index('{')]; body=body[body.index('{')+1:body.rindex('}')]
    glob=re.findall(r'\.shared\s+\.align\s+(\d+)\s+\.b8\s+(\w+)\[(\d*)\]',src)
    ins=[];labels={};scopes=[('',set())];uid=[0]
    text=body
    # split into statements keeping braces
    toks=re.findall(r'[A-Za-z_$][\w$]*:(?!:)|\{(?=\s*\n)|^\s*\}|[^;{}]*(?:\{[^{}\n]*\}[^;{}]*)*;',text,re.M)
    for t in toks:
        t=t.strip()
        if t=='{': uid[0]+=1; scopes.append((f'@{uid[0]}',set())); continue
        if t=='}':
            if len(scopes)>1: scopes.pop()
            continue
        if t.endswith(':'):
            l=t[:-1]; labels[l+scopes[-1][0]]=len(ins); continue
        t=t.rstrip(';').strip()
        m=re.match(r'^([A-Za-z_$][\w$]*):(?!:)\s*(.*)$',t,re.S)
        if m: labels[m.group(1)+scopes[-1][0]]=len(ins); t=m.group(2)
        if not t or t.startswith('.'):
            if t.startswith('.reg') and len(scopes)>1: scopes[-1][1].update(re.findall(r'(\w+)\s*$',t))
            continue
        pred=None;neg=False
        m=re.match(r'@(!?)(%?\w+)\s+(.*)$',t,re.S)
        if m: neg=bool(m.group(1));pred=m.group(2);t=m.group(3)
        sp=t.split(None,1); op=sp[0]; rest=sp[1] if len(sp)>1 else ''
        ops=[];depth=0;cur=''
        for ch in rest:
            if ch in '[{': depth+=1
            if ch in ']}': depth-=1
            if ch==',' and depth==0: ops.append(cur.strip());cur=''
            else: cur+=ch
        if cur.strip(): ops.append(cur.strip())
        sfx=scopes[-1][0]; loc=scopes[-1][1]
        fix=lambda o: o+sfx if o in loc else o
        ops=[fix(o) for o in ops]
        if pred: pred=fix(pred)
        ins.append([pred,neg,op,ops,sfx])
    return dict(name=kern.group(1),params=params,ins=ins,labels=labels,glob=glob,attrs=attrs,waits='griddepcontrol.wait' in body)
def ipdom(ins,lab):
    N=len(ins); tgt=lambda x: lab.get(x[3][0]+x[4],lab.get(x[3][0]))
    lead={0}
    for i,x in enumerate(ins):
        if x[2].startswith('bra'): lead|={tgt(x),i+1}
        elif x[2]=='ret': lead.add(i+1)
    lead=sorted(l for l in lead if l<N); nb=len(lead); idx={l:i for i,l in enumerate(lead)}; idx[N]=nb
    suc=[]
    for b,l in enumerate(lead):
        e=(lead[b+1] if b+1<nb else N)-1; x=ins[e]; t=[]
        if x[2].startswith('bra'):
            t.append(idx[tgt(x)])
            if x[0]: t.append(idx.get(e+1,nb))
        elif x[2]=='ret' and not x[0]: t=[nb]
        else: t=[idx.get(e+1,nb)]
        suc.append(t)
    full=set(range(nb+1)); pd=[set(full) for _ in range(nb)]+[{nb}]; ch=True
    while ch:
        ch=False
        for b in range(nb-1,-1,-1):
            q=set.intersection(*[pd[t] for t in suc[b]])|{b}
            if q!=pd[b]: pd[b]=q; ch=True
    out={}
    for b,l in enumerate(lead):
        e=(lead[b+1] if b+1<nb else N)-1
        if ins[e][2].startswith('bra'):
            c=pd[b]-{b}; r=max(c,key=lambda z: len(pd[z])); out[e]=lead[r] if r<nb else N
    return out
def regs(k,p):
    """The registers that instruction p names."""
    c=k.setdefault('regs',{})
    if p not in c: c[p]=set(re.findall(r'%\w+',' '.join(k['ins'][p][3])))
    return c[p]
class CTA: pass
class Bar:
    """An mbarrier: pending arrivals and bytes, and what is known to those who see its phases end."""
    def __init__(s,c,order):
        s.c=s.p=c; s.tx=0; s.ph=0; s.n=0; s.agent=order.new_barrier(); s.acc=s.rel=np.zeros_like(order.known[0])
    def arrive(s,known):
        if s.p<=0: raise Fault('an mbarrier gets more arrivals than its count')
        s.acc=np.maximum(s.acc,known); s.p-=1; s.chk()
    def chk(s):
        if s.p==0 and s.tx==0: s.ph^=1; s.p=s.c; s.n+=1; s.rel=s.acc.copy(); s.rel[s.agent]=s.n
class Emu:
    def __init__(s,k,mem,args,grid,block,smem,cluster=1,seed=0):
        s.k=k;s.mem=mem;s.args=args;s.grid=grid;s.block=block;s.smem=smem;s.cl=cluster;s.rng=random.Random(seed);s.races=0;s.notes=[]
        s.pn={p[1]:i for i,p in enumerate(k['params'])}
    def run(s,ctas=None):
        gx,gy,gz=s.grid; ids=[(x,y,z) for z in range(gz) for y in range(gy) for x in range(gx)]
        for i in range(0,len(ids),s.cl):
            s.cluster(ids[i:i+s.cl])
    def cluster(s,ids):
        s.ctas=[];warps=[];s.tma=[]
        for r,id in enumerate(ids):
            c=CTA();c.id=id;c.rank=r;c.bars={};c.named={};c.sym={};off=0
            for al,nm,sz in sorted(s.k['glob'],key=lambda g: not g[2]):
                al=int(al);off=(off+al-1)//al*al;c.sym[nm]=off;off+=int(sz or 0)
            c.nw=s.block//32;c.left=c.nw;c.order=SharedMemory(c.nw,off+s.smem,1<<18,len(ids));c.sh=c.order.bytes;s.ctas.append(c)
            for w in range(c.nw): warps.append(Warp(s,c,w))
        s.cb={'n':0,'gen':0,'acc':[np.zeros_like(c.order.known[0]) for c in s.ctas]}; s.nthreads=len(warps)
        gens=[(w,w.go()) for w in warps]; idle=0
        while gens:
            s.rng.shuffle(gens); prog=False; nx=[]
            for w,g in gens:
                try:
                    if next(g): prog=True
                    nx.append((w,g))
                except StopIteration: prog=True; w.c.left-=1
            gens=nx
            # A TMA load ends as late as it can: when everybody waits.
            if s.tma and not prog: s.tma.pop(s.rng.randrange(len(s.tma)))(); prog=True
            idle=0 if prog else idle+1
            if idle>50:
                w=gens[0][0]; p=int(w.pc[~w.done][0]); i=s.k['ins'][p]
                raise Fault(f"deadlock: {len(gens)} warps wait, warp {w.w} of block {w.c.id} at instruction {p}: {i[2]} {', '.join(i[3])}")
        if s.tma: raise Fault('a block has ended with loads to its shared memory on their way')
        for c in s.ctas:
            s.races+=len(c.order.races); s.notes+=c.order.races[:1]
    def bar(s,c,off):
        return c.bars[off]
    def sh(s,a,c): # shared::cluster address -> (cta, off)
        return c,a
def sw(a): return a^((a>>3)&0x70)
class Warp:
    def __init__(s,e,c,w):
        s.e=e;s.c=c;s.w=w;s.R={};s.pc=np.zeros(32,np.int64);s.done=np.zeros(32,bool);s.cpg=[];s.cpc=[];s.bulk=[];s.bulkg=[];s.t={'cp':0,'wg':0,'st':0};s.sums={}
        s.order=c.order; s.agent=c.rank*c.nw+w; s.waited=np.zeros(32,bool); s.cg=None
        s.tid=np.arange(w*32,w*32+32,dtype=U32); s.lane=np.arange(32)
    def dt(s,n):
        if n.startswith('%rd'): return U64
        if n.startswith('%rs'): return np.uint16
        if n.startswith('%r'): return U32
        return bool
    def get(s,o,ty=None):
        if o[0]=='%':
            if o in s.R: return s.R[o]
            sp={'%tid.x':s.tid,'%ctaid.x':s.c.id[0],'%ctaid.y':s.c.id[1],'%ctaid.z':s.c.id[2],'%nctaid.x':s.e.grid[0],'%cluster_ctarank':s.c.rank,'%ntid.x':s.e.block}
            if o in sp: return np.full(32,0,U32)+np.asarray(sp[o],U32)
            return np.zeros(32,s.dt(o))
        if o in s.R: return s.R[o]
        if o in s.c.sym: return np.full(32,s.c.sym[o],U64)
        if o in s.e.pn: return np.full(32,PAB+s.e.pn[o]*256,U64)
        if o.startswith('0f'): return np.full(32,int(o[2:],16),U32)
        m=re.match(r'^([A-Za-z_]\w*)\+(-?\d+)$',o)
        if m: return s.get(m.group(1))+U64(int(m.group(2)))
        if o in ('true','false'): return np.full(32,o=='true')
        return np.full(32,int(o,0)&0xffffffffffffffff,U64)
    def u(s,o,n): # as unsigned of n bits
        return s.get(o).astype({16:np.uint16,32:U32,64:U64}[n])
    def f(s,o): return s.get(o).astype(U32).view(F32)
    def set(s,o,v,m):
        if o=='_': return
        d=s.dt(o); v=np.asarray(v)
        if v.dtype==F32: v=v.view(U32)
        v=v.astype(d)
        if o not in s.R: s.R[o]=np.zeros(32,d)
        s.R[o]=np.where(m,v,s.R[o]) if not m.all() else v.copy()
    def addr(s,o):
        o=o.strip()[1:-1]; m=re.match(r'^([^+]+?)(?:\+(-?\d+))?$',o)
        a=s.get(m.group(1)).astype(np.int64); return a+int(m.group(2) or 0)
    def go(s):
        k=s.e.k; ins=k['ins'];lab=k['labels'];n=0
        if 'ipd' not in k: k['ipd']=ipdom(ins,lab)
        ipd=k['ipd']; END=len(ins)
        st=[[0,END,np.ones(32,bool)]]  # pc, rpc, mask
        while st:
            top=st[-1]; p=top[0]; m=top[2]
            if p==top[1] or p>=END or not m.any():
                st.pop(); continue
            pred,neg,op,o,sfx=ins[p]; em=m
            if pred:
                pv=s.get(pred).astype(bool); em=m&(~pv if neg else pv)
            if op.startswith('bra'):
                t=lab.get(o[0]+sfx,lab.get(o[0])); nt=m&~em
                if not em.any(): top[0]=p+1
                elif not nt.any(): top[0]=t
                else:
                    r=ipd.get(p,END); top[0]=r; st.append([p+1,r,nt]); st.append([t,r,em])
                n+=1
                if n>400: n=0; yield True
                continue
            if op=='ret':
                s.done|=em
                for e in st: e[2]=e[2]&~em
                top[0]=p+1; continue
            if em.any():
                s.pc[:]=p
                if s.sums and op.startswith('mov.b32') and o[1] in s.sums: s.sums[o[0]]=s.sums[o[1]]
                elif s.sums and not op.startswith('wgmma') and s.sums.keys()&regs(k,p): s.order.races.append(f'sums are used before their wait: {op} {", ".join(o)}')
                r=s.ex(op,o,em)
                if r is not None:
                    for z in r: yield z
            top[0]=p+1; n+=1
            if n>400: n=0; yield True
    def after(s,op,m):
        """Memory that other kernels use is not touched before a wait for them, in kernels that have one."""
        if s.e.k['waits'] and not s.waited[m].all(): raise Fault(f'{op} before the wait for the kernels in front')
    def sh(s,space,a,m):
        """The place of a shared::cluster address, and whose it is; all lanes read one block."""
        if space!='shared::cluster': return a,s.c
        c=s.e.ctas[int(a[m][0])>>RK]
        if not c.left: raise Fault('shared memory of a block that has ended is touched')
        return a&((1<<RK)-1),c
    def access(s,space,a,n,op,write,m,c=None):
        if (a%n).any(): raise Fault(f'misaligned: {op} at {a[a%n!=0][0]}')
        if space=='global': s.after(op,m); s.e.mem.check(a,n,op)
        elif write: (c or s.c).order.write(s.agent,a,n)
        else: (c or s.c).order.read(s.agent,a,n)
    def mem(s,space,c=None): return s.e.mem.buf if space=='global' else (c or s.c).sh
    def ex(s,op,o,m):
        P=op.split('.'); b=P[0]; ty=P[-1]
        bits=lambda: int(re.search(r'\d+',ty).group())
        sg=lambda x: x.view({4:np.int32,8:np.int64,2:np.int16}[x.dtype.itemsize])
        if b in ('mov',):
            if o[0].startswith('{'):
                rs=[x.strip() for x in o[0].strip('{}').split(',')]; n=bits()//len(rs); v=s.u(o[1],64)
                for i,r in enumerate(rs): s.set(r,(v>>U64(n*i))&U64((1<<n)-1),m)
            elif o[1].startswith('{'):
                rs=[x.strip() for x in o[1].strip('{}').split(',')]; n=bits()//len(rs); v=np.zeros(32,U64)
                for i,r in enumerate(rs): v|=(s.u(r,64)&U64((1<<n)-1))<<U64(n*i)
                s.set(o[0],v,m)
            else: s.set(o[0],s.get(o[1]),m)
        elif b=='cvta':
            if P[1]=='shared': s.set(o[0],s.u(o[1],64)+U64(SHB+(s.c.rank<<RK)),m)
            elif 'shared::cluster' in op: s.set(o[0],s.u(o[1],64)-U64(SHB),m)
            elif op.startswith('cvta.to.shared'): s.set(o[0],s.u(o[1],64)&U64(0xffffff),m)
            else: s.set(o[0],s.u(o[1],64),m)
        elif b=='ld' and P[1]=='param':
            nm=o[1][1:-1]; v=s.e.args[s.e.pn[nm]] if nm in s.e.pn else s.e.args[(int(s.addr(o[1])[0])-PAB)//256]
            if isinstance(v,float): v=int(np.float32(v).view(U32))
            s.set(o[0],np.full(32,v&0xffffffffffffffff,U64),m)
        elif b=='ld':
            a,c=s.sh(P[1],s.addr(o[1]),m); nv=4 if 'v4' in P else 2 if 'v2' in P else 1; nb=bits()//8; buf=s.mem(P[1],c); regs=[x.strip() for x in o[0].strip('{}').split(',')]
            s.access(P[1],a[m],nv*nb,op,False,m,c)
            for i in range(nv):
                v=np.zeros(32,U64)
                for q in range(nb): v|=np.where(m,buf[np.where(m,a+i*nb+q,0)],0).astype(U64)<<U64(8*q)
                s.set(regs[i],v,m)
        elif b=='st':
            a,c=s.sh(P[1],s.addr(o[0]),m); nv=4 if 'v4' in P else 2 if 'v2' in P else 1; nb=bits()//8; buf=s.mem(P[1],c); regs=[x.strip() for x in o[1].strip('{}').split(',')]
            s.access(P[1],a[m],nv*nb,op,True,m,c)
            for i in range(nv):
                v=s.u(regs[i],64)
                for q in range(nb): buf[(a+i*nb+q)[m]]=((v>>U64(8*q))&U64(255)).astype(np.uint8)[m]
        elif b in ('add','sub','mul','mad','fma','max','min','neg','div') and ty=='f32':
            f=[s.f(x) for x in o[1:]]
            with np.errstate(all='ignore'):
                v={'add':lambda:f[0]+f[1],'sub':lambda:f[0]-f[1],'div':lambda:f[0]/f[1],'mul':lambda:f[0]*f[1],'fma':lambda:(f[0].astype(np.float64)*f[1]+f[2]).astype(F32),'max':lambda:np.fmax(f[0],f[1]),'min':lambda:np.fmin(f[0],f[1]),'neg':lambda:-f[0]}[b]()
            s.set(o[0],v.astype(F32),m)
        elif b in ('atom','red') and 'shared' in P and 'add' in P and ty in ('u32','u64'):
            a=s.addr(o[-2]); buf=s.mem('shared'); n=bits()//8; T=U32 if n==4 else U64; v=s.u(o[-1],8*n)
            if (a[m]%n).any(): raise Fault('misaligned: '+op)
            s.order.add(s.w,a[m],n)
            for l in np.flatnonzero(m): # one lane after the other
                old=buf[a[l]:a[l]+n].view(T)
                if len(o)==3: s.set(o[0],np.full(32,old[0],T),np.arange(32)==l)
                old+=v[l]
        elif b=='ex2': 
            with np.errstate(all='ignore'): s.set(o[0],np.exp2(s.f(o[1])).astype(F32),m)
        elif b=='sqrt': s.set(o[0],np.sqrt(s.f(o[1])).astype(F32),m)
        elif b=='lg2':
            with np.errstate(all='ignore'): s.set(o[0],np.log2(s.f(o[1])).astype(F32),m)
        elif b=='abs' and ty=='f32': s.set(o[0],np.abs(s.f(o[1])),m)
        elif b=='rcp':
            with np.errstate(all='ignore'): s.set(o[0],(F32(1)/s.f(o[1])).astype(F32),m)
        elif b=='mul' and P[1]=='hi':
            n=bits(); x=[int(v) for v in s.u(o[1],n)]; y=[int(v) for v in s.u(o[2],n)]
            if ty[0]=='s':
                h=1<<(n-1); x=[v-(1<<n) if v>=h else v for v in x]; y=[v-(1<<n) if v>=h else v for v in y]
            s.set(o[0],np.array([((p*q)>>n)&((1<<64)-1) for p,q in zip(x,y)],dtype=U64),m)
        elif b=='mad' and P[1]=='wide':
            w=(lambda y: s.u(y,32).astype(U64)) if ty=='u32' else (lambda y: sg(s.u(y,32)).astype(np.int64).view(U64))
            s.set(o[0],w(o[1])*w(o[2])+s.u(o[3],64),m)
        elif b=='mul' and P[1]=='wide': s.set(o[0],(s.u(o[1],32).astype(U64)*s.u(o[2],32).astype(U64)) if ty=='u32' else (sg(s.u(o[1],32)).astype(np.int64)*sg(s.u(o[2],32)).astype(np.int64)),m)
        elif b in ('add','sub','mul','div','rem','min','max','and','or','xor','shl','shr','not','neg','mad') and ty!='pred':
            n=bits(); x=[s.u(y,n) for y in o[1:]]; S=ty[0]=='s'
            with np.errstate(all='ignore'):
                if b=='add': v=x[0]+x[1]
                elif b=='sub': v=x[0]-x[1]
                elif b=='mul': v=x[0]*x[1]
                elif b=='mad': v=x[0]*x[1]+x[2]
                elif b=='div': v=x[0]//np.where(x[1]==0,1,x[1]).astype(x[1].dtype) if not S else sg(x[0])//sg(x[1])
                elif b=='rem': v=x[0]%np.where(x[1]==0,1,x[1]).astype(x[1].dtype)
                elif b in('min','max'):
                    y=[sg(z) for z in x] if S else x; v=(np.minimum if b=='min' else np.maximum)(y[0],y[1])
                    if 'relu' in P: v=np.maximum(v,0)
                elif b=='and': v=x[0]&x[1]
                elif b=='or': v=x[0]|x[1]
                elif b=='xor': v=x[0]^x[1]
                elif b=='shl': v=x[0]<<x[1].astype(x[0].dtype)
                elif b=='shr': v=(sg(x[0])>>sg(x[1].astype(x[0].dtype))) if S else x[0]>>x[1].astype(x[0].dtype)
                elif b=='not': v=~x[0]
                elif b=='neg': v=(~x[0])+x[0].dtype.type(1)
            s.set(o[0],v,m)
        elif b in ('and','or','xor','not') and ty=='pred':
            x=[s.get(y).astype(bool) for y in o[1:]]; s.set(o[0],{'and':lambda:x[0]&x[1],'or':lambda:x[0]|x[1],'xor':lambda:x[0]^x[1],'not':lambda:~x[0]}[b](),m)
        elif b=='bfe':
            n=bits(); x=s.u(o[1],n); T=x.dtype.type; up=T(n-int(o[2])-int(o[3])); x=x<<up; s.set(o[0],(sg(x) if ty[0]=='s' else x)>>(up+T(int(o[2]))).astype(sg(x).dtype if ty[0]=='s' else x.dtype),m)
        elif b=='setp':
            c=P[1]
            if ty=='f32': x,y=s.f(o[1]),s.f(o[2])
            elif ty in('bf16','f16'): x,y=[{'bf16':bf2f,'f16':h2f}[ty](s.u(z,16)) for z in o[1:3]]
            else:
                n=bits(); x,y=s.u(o[1],n),s.u(o[2],n)
                if ty[0]=='s': x,y=sg(x),sg(y)
            s.set(o[0],{'eq':x==y,'ne':x!=y,'lt':x<y,'le':x<=y,'gt':x>y,'ge':x>=y,
                        'num':(x==x)&(y==y),'nan':(x!=x)|(y!=y),'gtu':~(x<=y)}[c],m)
        elif b=='selp': s.set(o[0],np.where(s.get(o[3]).astype(bool),s.u(o[1],64),s.u(o[2],64)),m)
        elif b=='cvt':
            d,t=P[-2],P[-1]
            if op=='cvt.rna.tf32.f32': s.set(o[0],(s.u(o[1],32)+U32(0x1000))&U32(0xffffe000),m)
            elif op.startswith('cvt.rn.f16x2'): s.set(o[0],(f2h(s.f(o[1])).astype(U32)<<U32(16))|f2h(s.f(o[2])).astype(U32),m)
            elif d=='f16': s.set(o[0],f2h(s.f(o[1])),m)
            elif t=='f16': s.set(o[0],h2f(s.u(o[1],16)),m)
            elif op.startswith('cvt.rn.bf16x2'): s.set(o[0],(f2bf(s.f(o[1])).astype(U32)<<U32(16))|f2bf(s.f(o[2])).astype(U32),m)
            elif d=='bf16': s.set(o[0],f2bf(s.f(o[1])),m)
            elif t=='bf16': s.set(o[0],bf2f(s.u(o[1],16)),m)
            elif t=='f32' and d=='s32' and 'rzi' in P: # no number gives 0
                s.set(o[0],np.clip(np.nan_to_num(s.f(o[1]).astype(np.float64)),-2**31,2**31-1).astype(np.int64).astype(U64),m)
            else:
                x=s.u(o[1],int(t[1:])); x=sg(x) if t[0]=='s' else x; s.set(o[0],x.astype(np.int64).astype(U64),m)
        elif b=='shfl':
            x=s.u(o[1],32); d=o[0].split('|')[0]; k=s.u(o[2],32).astype(np.int64)&31
            kept=int(s.u(o[3],32)[0])>>8&31 # bits of the lane that the source keeps
            idx=s.lane^k if P[2]=='bfly' else s.lane&kept|k&~kept; s.set(d,x[idx],m)
            if '|' in o[0]: s.set(o[0].split('|')[1],np.ones(32,bool),m)
        elif b=='cp' and op.startswith('cp.async.c') and P[2] in('cg','ca'):
            d=s.addr(o[0]);a=s.addr(o[1]);n=int(o[2]); r=s.u(o[3],32) if len(o)>3 else np.full(32,n,U32) # bytes read, the others are 0
            if (d[m]%n).any() or (a[m]%n).any(): raise Fault(f'misaligned: {op}')
            if (r[m]>n).any(): raise Fault(f'{op} reads {r[m].max()} of {n} bytes')
            s.after(op,m)
            for q in np.unique(r[m]): s.e.mem.check(a[m&(r==q)],int(q),op)
            s.order.write(s.agent,d[m],n,s.order.copies(s.agent),s.t['cp']+1)
            s.cpg.append((d[m],a[m],n,r[m]))
        elif op=='cp.async.commit_group': s.cpc.append(s.cpg); s.cpg=[]; s.t['cp']+=1
        elif op=='cp.async.wait_group':
            k=int(o[0])
            while len(s.cpc)>k:
                for d,a,n,r in s.cpc.pop(0):
                    q=np.arange(n); read=q<r[:,None]; s.c.sh[d[:,None]+q]=np.where(read,s.e.mem.buf[np.where(read,a[:,None]+q,0)],0)
            s.order.wait(s.agent,s.order.copies(s.agent),s.t['cp']-k)
        elif op.startswith(('bar.arrive','barrier.arrive','barrier.cta.arrive')): s.bararrive(int(s.get(o[0])[0]),int(s.get(o[1])[0])//32)
        elif op.startswith('bar.sync') or op.startswith('barrier.sync') or op.startswith('barrier.cta'): return s.barsync(int(s.get(o[0])[0]),int(s.get(o[1])[0])//32 if len(o)>1 else s.c.nw)
        elif op=='bar.warp.sync': pass # lanes are in order
        elif op=='griddepcontrol.wait': s.waited|=m
        elif op=='griddepcontrol.launch_dependents': pass
        elif op.startswith('barrier.cluster.arrive'): s.clarrive(m,'relaxed' in P)
        elif op.startswith('barrier.cluster.wait'): return s.clwait()
        elif b=='mbarrier': return s.mbar(op,P,o,m)
        elif b=='mapa': s.set(o[0],(s.u(o[1],64)&U64(0xffffff))|(s.u(o[2],64)<<U64(RK)),m)
        elif op.startswith('fence.proxy.async'): s.order.fence(s.agent)
        elif b in('fence','setmaxnreg','prefetch') or op.startswith('wgmma.fence'): pass
        elif b=='ldmatrix': s.ldm(op,P,o,m)
        elif b=='stmatrix': s.stm(op,P,o,m)
        elif op.startswith('mma.sync'): s.mma(op,o)
        elif op.startswith('wgmma.mma_async'): s.wgmma(op,o)
        elif op.startswith('wgmma.commit'): s.t['wg']+=1
        elif op.startswith('wgmma.wait'):
            n=s.t['wg']-int(o[0]); s.order.wait(s.agent,s.order.products(s.agent),n); s.sums={r:g for r,g in s.sums.items() if g>n}
        elif op.startswith('cp.async.bulk.tensor'): s.tmaop(op,o,m)
        elif op.startswith('cp.async.bulk.commit_group'): s.bulk.append(s.bulkg); s.bulkg=[]; s.t['st']+=1
        elif op.startswith('cp.async.bulk.wait_group'):
            while len(s.bulk)>int(o[0]):
                for store in s.bulk.pop(0): store()
            s.order.wait(s.agent,s.order.stores(s.agent),s.t['st']-int(o[0]))
        else: raise NotImplementedError(op)
    def clarrive(s,m,relaxed):
        B=s.e.cb; B['n']+=int(m.sum())
        if s.cg is not None: raise Fault('a warp arrives at the barrier of its cluster twice')
        s.cg=B['gen']
        for acc,c in zip(B['acc'],s.e.ctas if not relaxed else []): np.maximum(acc,c.order.tick(s.agent),out=acc)
        if B['n']==s.e.nthreads*32: B['n']=0; B['gen']+=1; B['rel']=[acc.copy() for acc in B['acc']]
    def clwait(s):
        while s.e.cb['gen']==s.cg: yield False
        s.cg=None
        for rel,c in zip(s.e.cb['rel'],s.e.ctas): c.order.learn(s.agent,rel)
    def bararrive(s,i,nw):
        B=s.c.named.setdefault(i,[0,0,np.zeros_like(s.order.known[0]),{},nw]); g=B[1]
        if B[0] and B[4]!=nw: raise Fault(f'barrier {i} of {32*nw} threads, of {32*B[4]} for others')
        B[0]+=1; B[4]=nw; np.maximum(B[2],s.order.tick(s.agent),out=B[2])
        if B[0]==nw: B[0]=0; B[1]+=1; B[3][g]=B[2].copy()
        return B,g
    def barsync(s,i,nw):
        B,g=s.bararrive(i,nw)
        while B[1]==g: yield False
        s.order.learn(s.agent,B[3][g])
    def bk(s,a):
        a=int(a); return (s.e.ctas[a>>RK] if a>>RK else s.c),a&0xffffff
    def mbar(s,op,P,o,m):
        if P[1]=='init': a=int(s.addr(o[0])[m][0]); s.order.write(s.agent,a,8); s.c.bars[a]=Bar(int(s.get(o[1])[m][0]),s.order)
        elif op.startswith('mbarrier.arrive.expect_tx'):
            for l in np.nonzero(m)[0]:
                B=s.barat(s.addr(o[1])[l]); B.tx+=int(s.get(o[2])[l]); B.arrive(s.order.tick(s.agent))
        elif P[1]=='arrive':
            for l in np.nonzero(m)[0]:
                s.barat(s.addr(o[1])[l]).arrive(s.order.tick(s.agent))
        elif P[1]=='try_wait': return s.trywait(o,m)
        else: raise NotImplementedError(op)
    def barat(s,a):
        a=int(a)&0xffffff
        if a not in s.c.bars: raise Fault(f'no mbarrier at {a} of shared memory')
        s.order.read(s.agent,a,8); return s.c.bars[a]
    def trywait(s,o,m):
        l=np.nonzero(m)[0][0]; B=s.barat(s.addr(o[1])[l]); ph=int(s.get(o[2])[l])
        while B.ph==ph: yield False
        s.order.learn(s.agent,B.rel); s.set(o[0],np.ones(32,bool),m)
    def ldm(s,op,P,o,m):
        a=s.addr(o[1]); n=4 if 'x4' in P else 2 if 'x2' in P else 1; regs=[x.strip() for x in o[0].strip('{}').split(',')]; tr='trans' in P
        s.order.read(s.agent,a[:8*n],16)
        for i in range(n):
            M=np.stack([s.c.sh[a[8*i+r]:a[8*i+r]+16].view(np.uint16) for r in range(8)])
            if tr: M=M.T
            v=M[s.lane//4,(s.lane%4)*2].astype(U32)|(M[s.lane//4,(s.lane%4)*2+1].astype(U32)<<U32(16)); s.set(regs[i],v,m)
    def stm(s,op,P,o,m):
        a=s.addr(o[0]); regs=[x.strip() for x in o[1].strip('{}').split(',')]; s.order.write(s.agent,a[:8*len(regs)],16)
        for i,r in enumerate(regs):
            v=s.u(r,32); M=np.zeros((8,8),np.uint16); M[s.lane//4,(s.lane%4)*2]=v&U32(0xffff); M[s.lane//4,(s.lane%4)*2+1]=v>>U32(16)
            for q in range(8): s.c.sh[a[8*i+q]:a[8*i+q]+16].view(np.uint16)[:]=M[q]
    def frag(s,regs,dec): # list of b32 regs -> A(16x16) via m16k16 layout
        A=np.zeros((16,16),np.uint16)
        for i,r in enumerate(regs):
            v=s.u(r,32); rr=s.lane//4+8*(i%2); cc=(s.lane%4)*2+8*(i//2); A[rr,cc]=v&U32(0xffff); A[rr,cc+1]=v>>U32(16)
        return dec(A)
    def mma(s,op,o):
        d,a,b,c=[[y.strip() for y in x.strip('{}').split(',')] for x in o]; g,t=s.lane//4,s.lane%4
        if op=='mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32':
            A=np.zeros((16,8),F32); Bm=np.zeros((8,8),F32); f=lambda r: (s.u(r,32)&U32(0xffffe000)).view(F32)
            for i,r in enumerate(a): A[g+8*(i%2),t+4*(i//2)]=f(r)
            for i,r in enumerate(b): Bm[t+4*i,g]=f(r)
        else:
            dec=h2f if op.endswith('.f16.f16.f32') else bf2f; A=s.frag(a,dec); Bm=np.zeros((16,8),np.uint16)
            for i,r in enumerate(b):
                v=s.u(r,32); kk=t*2+8*i; Bm[kk,g]=v&U32(0xffff); Bm[kk+1,g]=v>>U32(16)
            Bm=dec(Bm)
        D=A@Bm
        for i,(x,y) in enumerate(zip(d,c)): s.set(x,(s.f(y)+D[g+8*(i//2),2*t+i%2]).astype(F32),np.ones(32,bool))
    def rd(s,lin):
        ph=sw(lin); return s.c.sh[ph].astype(np.uint16)|(s.c.sh[ph+1].astype(np.uint16)<<8)
    def dsc(s,v):
        v=int(v); assert v>>62==1; return (v&0x3fff)<<4,((v>>16)&0x3fff)<<4,((v>>32)&0x3fff)<<4
    def wgmma(s,op,o):
        N=int(re.search(r'm64n(\d+)k16',op).group(1)); d=[x.strip() for x in o[0].strip('{}').split(',')]; w4=s.w%4
        dec=h2f if op.endswith('.f16.f16') else bf2f; regA=o[1].startswith('{'); db=s.get(o[2])[0]
        if regA: a=[x.strip() for x in o[1].strip('{}').split(',')]; A=s.frag(a,dec); sd,tb=o[3],int(o[6]); s.sums.update((x,s.t['wg']+1) for x in a)
        else:
            st,lbo,sbo=s.dsc(s.get(o[1])[0]); r=np.arange(w4*16,w4*16+16)[:,None]; k=np.arange(16)[None]
            lin=st+(r//8)*sbo+(r%8)*128+k*2; A=dec(s.rd(lin)); sd=o[3]; assert int(o[6])==0; tb=int(o[7]); s.note(lin)
        st,lbo,sbo=s.dsc(db); k=np.arange(16)[:,None]; n=np.arange(N)[None]
        lin=st+(n//8)*sbo+(n%8)*128+k*2 if not tb else st+(n//64)*lbo+(k//8)*sbo+(k%8)*128+(n%64)*2
        Bm=dec(s.rd(lin)); s.note(lin); D=A@Bm
        sc=int(bool(s.get(sd)[0])) if sd!='p' else s.pv
        for i,x in enumerate(d):
            v=D[s.lane//4+8*((i//2)%2),(i//4)*8+(s.lane%4)*2+i%2].astype(F32)
            if sc: v=(s.f(x)+v).astype(F32)
            s.set(x,v,np.ones(32,bool)); s.sums[x]=s.t['wg']+1
    pv=1
    def note(s,lin): # eight elements of 16 bytes lie together
        s.order.read(s.agent,np.unique(sw(lin)&~15),16,s.order.products(s.agent),s.t['wg']+1)
    def start(s,op,x,t):
        """A copy starts at a multiple of 16 bytes in its rows, elsewhere it is an illegal instruction."""
        if x*t.arr.itemsize%16: raise Fault(f'misaligned: {op} from element {x} on')
    def tmaop(s,op,o,m):
        assert m.sum()==1; l=np.nonzero(m)[0][0]; e=s.e
        if '.global.shared::cta' in op:
            mo=re.match(r'\[(%?\w+),\s*\{(.*)\}\s*\]',o[0]); t=e.args[(int(s.get(mo.group(1))[l])-PAB)//256]; x,y=[int(s.get(z.strip()).astype(U32).view(np.int32)[l]) for z in mo.group(2).split(',')]
            a=int(s.addr(o[1])[l]); bx,by=t.box; s.start(op,x,t); s.after(op,m)
            s.order.read(s.agent,a,by*128,s.order.stores(s.agent),s.t['st']+1)
            c=t.arr.shape[1]
            if x<c<x+bx and c*t.arr.itemsize%16: raise Fault(f'{op} writes whole 16 bytes, of which element {c} is not in the tensor')
            def store():
                for r in range(by):
                    for ch in range(bx//8):
                        ph=sw(a+r*128+ch*16); v=s.c.sh[ph:ph+16].view(np.uint16); yy=y+r; xx=x+ch*8
                        if 0<=yy<t.arr.shape[0] and 0<=xx<t.arr.shape[1]: t.arr[yy,xx:xx+8]=v[:t.arr.shape[1]-xx]
            s.bulkg.append(store)
            return
        dst=int(s.addr(o[0])[l]); mo=re.match(r'\[(%?\w+),\s*\{(.*)\}\s*\]',o[1]); t=e.args[(int(s.get(mo.group(1))[l])-PAB)//256]; x,y=[int(s.get(z.strip()).astype(U32).view(np.int32)[l]) for z in mo.group(2).split(',')]
        B=s.barat(s.addr(o[2])[l]); t.fixed or s.after(op,m); mc=int(s.get(o[3])[l]) if 'multicast' in op else 1<<(dst>>RK); off=dst&0xffffff; bx,by=t.box; s.start(op,x,t)
        if off%1024: raise Fault(f'misaligned: {op} to {off}')
        s.order.write(s.agent,off,by*128,B.agent,B.n+1)
        def fire():
            T=np.zeros((by,bx),np.uint16); y0,x0=max(y,0),max(x,0); v=t.arr[y0:max(y+by,0),x0:max(x+bx,0)]; T[y0-y:y0-y+v.shape[0],x0-x:x0-x+v.shape[1]]=v
            for r,c in enumerate(e.ctas):
                if not (mc>>r)&1: continue
                for q in range(by):
                    for ch in range(bx//8): ph=sw(off+q*128+ch*16); c.sh[ph:ph+16].view(np.uint16)[:]=T[q,ch*8:ch*8+8]
                B.tx-=bx*by*2; B.chk()
        e.tma.append(fire)
