#include <stdio.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "runtime/base/err.h"
#include "templates/store.h"
static double now(void){struct timespec a;clock_gettime(CLOCK_MONOTONIC,&a);return a.tv_sec*1e3+a.tv_nsec/1e6;}
int main(int c,char**v){
 int lay=c>2&&v[2][0]=='p'; struct err e={0};
 int pool=open(v[1],O_RDONLY|O_DIRECTORY);
 int layers=openat(pool,"layers",O_RDONLY|O_DIRECTORY);
 int n=c>3?atoi(v[3]):1; double tot=0;
 for(int i=0;i<n;i++){ char p[64]; sprintf(p,"private/%d",i+100*lay+(getenv("N")?atoi(getenv("N")):0)); mkdirat(pool,p,0700); int priv=openat(pool,p,O_RDONLY|O_DIRECTORY);
 if(store_fill(priv,lay,layers,"d",&e)<0){ if(e.no!=EEXIST){puts(e.text);return 1;} e=(struct err){0}; }
 if(getenv("A")&&store_adopt(priv,lay,&e)<0){puts(e.text);return 1;}
 struct store_root r={lay,priv,layers,"d",300000+i*65536};
 double t=now(); int m=store_mount(&r,&e); tot+=now()-t; if(m<0){puts(e.text);return 1;}
 if(n==1){ if(move_mount(m,"",AT_FDCWD,"/mnt",MOVE_MOUNT_F_EMPTY_PATH)<0)perror("mm"); system("grep /mnt /proc/self/mountinfo; ls -lan /mnt; df -h /mnt"); if(c>4) return system(v[4]);}
 close(m);close(priv);} 
 printf("%f ms\n",tot/n);
}
