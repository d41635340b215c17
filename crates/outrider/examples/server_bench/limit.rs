//! The least that a server can do which acknowledges after durability: cuts frames, appends and syncs all that waits in
//! one go, acknowledges. Knows no device, decodes nothing, keeps no state.

use std::{
    fs::File,
    io::Write,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

type Append = (Vec<u8>, oneshot::Sender<()>);

/// Prints its address, then serves until it is killed.
pub fn serve(folder: &str) {
    let (appends, waiting) = sync_channel::<Append>(1 << 16);
    let file = File::create(format!("{folder}/log")).unwrap();
    thread::spawn(move || commit(&waiting, file));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (line, _) = listener.accept().await.unwrap();
            line.set_nodelay(true).unwrap();
            tokio::spawn(converse(line, appends.clone()));
        }
    });
}

fn commit(waiting: &Receiver<Append>, mut file: File) {
    let (mut bytes, mut answers) = (Vec::new(), Vec::new());
    while let Ok(first) = waiting.recv() {
        for (frame, answer) in std::iter::once(first).chain(waiting.try_iter()) {
            bytes.extend(frame);
            answers.push(answer);
        }
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        bytes.clear();
        answers.drain(..).for_each(|answer| _ = answer.send(()));
    }
}

async fn converse(mut line: TcpStream, appends: SyncSender<Append>) -> std::io::Result<()> {
    let mut login = [0; 17];
    line.read_exact(&mut login).await?;
    line.write_all(&[1]).await?;
    loop {
        let mut head = [0; 8];
        line.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize + 4;
        let mut frame = vec![0; length];
        line.read_exact(&mut frame).await?;
        let count = frame[1];
        let (answer, durable) = oneshot::channel();
        appends.send((frame, answer)).unwrap();
        let _ = durable.await;
        line.write_all(&[0, 0, 0, count]).await?;
    }
}
