var e=`😀 grinning|😃 smiley|😄 smile happy|😁 grin|😆 laughing haha|😅 sweat_smile|🤣 rofl|😂 joy tears_of_joy|🙂 slight_smile|🙃 upside_down
😉 wink|😊 blush|😇 innocent angel|🥰 in_love|😍 heart_eyes|🤩 star_struck|😘 kiss_face|😗 kissing|😋 yum|😛 tongue
😜 wink_tongue|🤪 zany|😝 squint_tongue|🤑 money_face|🤗 hug hugging|🤭 giggle|🤫 shush quiet|🤔 thinking think|🤐 zipper_mouth|🤨 raised_eyebrow
😐 neutral|😑 expressionless|😶 no_mouth|😏 smirk|😒 unamused|🙄 eye_roll|😬 grimace|🤥 lying|😌 relieved|😔 pensive
😪 sleepy|🤤 drooling|😴 sleeping zzz|😷 mask|🤒 sick|🤕 hurt|🤢 nausea|🤮 vomit|🤧 sneeze|🥵 hot_face
🥶 cold_face|🥴 woozy|😵 dizzy_face|🤯 mind_blown|🤠 cowboy|🥳 party_face partying|😎 sunglasses cool|🤓 nerd|🧐 monocle|😕 confused
😟 worried|🙁 slight_frown|😮 open_mouth wow|😯 hushed|😲 astonished|😳 flushed|🥺 pleading|😦 frowning|😧 anguished|😨 fearful
😰 anxious|😥 sad_relieved|😢 cry sad|😭 sob|😱 scream|😖 confounded|😣 persevere|😞 disappointed|😓 sweat|😩 weary
😫 tired|🥱 yawn|😤 triumph|😡 rage angry_red|😠 angry|🤬 cursing|😈 devil_smile|👿 devil|💀 skull|💩 poop
🤡 clown|👻 ghost|👽 alien|🤖 robot bot|😺 smile_cat|😹 joy_cat|😻 heart_eyes_cat|🙀 scream_cat|😿 crying_cat|🙈 see_no_evil
🙉 hear_no_evil|🙊 speak_no_evil|💋 kiss|💌 love_letter|💘 cupid|💝 gift_heart|💖 sparkling_heart|💗 growing_heart|💓 heartbeat|💕 two_hearts
💔 broken_heart|❤️ heart love|🧡 orange_heart|💛 yellow_heart|💚 green_heart|💙 blue_heart|💜 purple_heart|🖤 black_heart|🤍 white_heart|💯 100 hundred
💢 anger|💥 boom collision|💫 dizzy|💦 sweat_drops|💨 dash|💣 bomb|💬 speech|💭 thought|💤 sleep_sign|👋 wave hello bye
🤚 raised_back_of_hand|✋ raised_hand stop_hand|🖖 vulcan|👌 ok_hand|🤌 pinched_fingers|🤏 pinch|✌️ victory peace|🤞 crossed_fingers|🤟 love_you|🤘 rock_on
🤙 call_me|👈 point_left|👉 point_right|👆 point_up|👇 point_down|👍 thumbsup +1 yes|👎 thumbsdown -1 no|✊ fist|👊 punch|👏 clap applause
🙌 raised_hands hooray|👐 open_hands|🤲 palms_up|🤝 handshake deal|🙏 pray please thanks|✍️ writing_hand|💅 nail_polish|🤳 selfie|💪 muscle strong|👂 ear
👃 nose|🧠 brain|🦷 tooth|👀 eyes look|👁️ eye|👅 tongue_out|👄 mouth|👶 baby|🧒 child|👦 boy
👧 girl|🧑 person|👨 man|👩 woman|🧓 older_person|👴 old_man|👵 old_woman|🙅 no_good|🙆 ok_person|🙋 raising_hand
🙇 bow sorry|🤦 facepalm|🤷 shrug|👮 police|🕵️ detective|👷 builder|👸 princess|🤴 prince|🦸 superhero|🧙 mage wizard
🧟 zombie|🏃 runner run|💃 dancer|🕺 man_dancing|🧘 yoga|👫 couple|👪 family|👣 footprints|🐵 monkey_face|🐶 dog
🐺 wolf|🦊 fox|🦝 raccoon|🐱 cat|🦁 lion|🐯 tiger|🐴 horse|🦄 unicorn|🐮 cow|🐷 pig
🐗 boar|🐭 mouse_face|🐹 hamster|🐰 rabbit|🐻 bear|🐨 koala|🐼 panda|🦥 sloth|🐸 frog|🐔 chicken
🐣 hatching_chick|🐦 bird|🐧 penguin|🦆 duck|🦅 eagle|🦉 owl|🦇 bat|🐝 bee|🐛 bug|🦋 butterfly
🐌 snail|🐞 ladybug|🐜 ant|🕷️ spider|🦂 scorpion|🐢 turtle|🐍 snake python|🦎 lizard|🐙 octopus|🦀 crab rust
🦞 lobster|🦐 shrimp|🐠 fish|🐬 dolphin|🐳 whale|🦈 shark|🐘 elephant|🐑 sheep|🐐 goat|🦔 hedgehog
💐 bouquet|🌸 cherry_blossom|🌹 rose|🌻 sunflower|🌼 blossom|🌷 tulip|🌱 seedling|🌲 evergreen|🌳 tree|🌴 palm_tree
🌵 cactus|🌾 rice_plant|🌿 herb|🍀 four_leaf_clover luck|🍁 maple_leaf|🍂 fallen_leaf|🍃 leaves|🍄 mushroom|🍇 grapes|🍉 watermelon
🍊 orange tangerine|🍋 lemon|🍌 banana|🍍 pineapple|🥭 mango|🍎 apple|🍐 pear|🍑 peach|🍒 cherries|🍓 strawberry
🥝 kiwi|🍅 tomato|🥥 coconut|🥑 avocado|🍆 eggplant|🥔 potato|🥕 carrot|🌽 corn|🌶️ hot_pepper|🥒 cucumber
🥦 broccoli|🧄 garlic|🧅 onion|🍞 bread|🥐 croissant|🥖 baguette|🥨 pretzel|🧀 cheese|🥚 egg|🍳 cooking
🥓 bacon|🍔 hamburger|🍟 fries|🍕 pizza|🌭 hotdog|🥪 sandwich|🌮 taco|🌯 burrito|🥗 salad|🍝 spaghetti pasta
🍜 ramen noodles|🍲 stew|🍣 sushi|🍦 ice_cream|🍩 doughnut donut|🍪 cookie|🎂 birthday|🍰 cake|🧁 cupcake|🥧 pie
🍫 chocolate|🍬 candy|🍭 lollipop|🍯 honey|🥛 milk|☕ coffee|🍵 tea|🍷 wine|🍺 beer|🍻 beers cheers
🥂 champagne toast|🥃 whisky|🥤 soft_drink|🧃 juice|🧊 ice|🍴 fork_and_knife|🥄 spoon|🌍 earth_africa world|🌎 earth_americas|🌏 earth_asia
🗺️ map|🧭 compass|🏔️ mountain|🌋 volcano|🏕️ camping|🏖️ beach|🏝️ island|🏠 house home|🏢 office|🏥 hospital
🏦 bank|🏫 school|🏭 factory|🏰 castle|⛪ church|⛲ fountain|⛺ tent|🌉 bridge|🎡 ferris_wheel|🚂 locomotive
🚆 train|🚇 metro|🚊 tram|🚌 bus|🚑 ambulance|🚒 fire_engine|🚓 police_car|🚕 taxi|🚗 car|🚚 truck
🚜 tractor|🚲 bike|🛵 scooter|🏍️ motorcycle|⛽ fuel|🚦 traffic_light|🚧 construction|⚓ anchor|⛵ sailboat|🚢 ship
✈️ airplane|🚁 helicopter|🚀 rocket ship_it|🛸 ufo|⌛ hourglass|⏳ hourglass_running|⌚ watch|⏰ alarm_clock|⏱️ stopwatch|🕐 one_oclock
🌙 moon|🌝 full_moon_face|☀️ sun|⭐ star|🌟 glowing_star|🌠 shooting_star|☁️ cloud|⛅ partly_sunny|🌧️ rain|⛈️ thunder
🌩️ lightning|❄️ snowflake|⛄ snowman|🌈 rainbow|☔ umbrella|⚡ zap|🔥 fire|💧 droplet|🌊 ocean|🎃 pumpkin
🎄 christmas_tree|🎆 fireworks|🎇 sparkler|✨ sparkles|🎈 balloon|🎉 tada party|🎊 confetti|🎀 ribbon|🎁 gift present|🎟️ ticket
🏆 trophy|🏅 medal|🥇 gold first|🥈 silver second|🥉 bronze third|⚽ soccer football|🏀 basketball|🏈 american_football|🎾 tennis|🏐 volleyball
🎳 bowling|🏓 ping_pong|🏸 badminton|🥊 boxing|🎯 dart bullseye|🎣 fishing|🎿 ski|🎮 video_game|🕹️ joystick|🎲 dice
🧩 puzzle|♟️ chess|🎨 art|🎭 theatre|🎵 music_note|🎶 notes|🎤 microphone|🎧 headphones|🎷 saxophone|🎸 guitar
🎹 piano|🎺 trumpet|🎻 violin|🥁 drum|📱 phone mobile|☎️ telephone|🔋 battery|🔌 plug|💻 laptop computer|🖥️ desktop
🖨️ printer|⌨️ keyboard|🖱️ mouse|💾 floppy save|💿 cd|🎥 movie_camera|🎬 clapper|📺 tv|📷 camera|🔍 mag search
💡 bulb idea|🔦 flashlight|📖 book|📚 books|📓 notebook|📰 newspaper|🔖 bookmark|💰 money|💵 dollar|💶 euro
💳 credit_card|🧾 receipt|✉️ envelope|📧 email|📦 package|📫 mailbox|✏️ pencil|🖊️ pen|📝 memo note|📁 folder
📅 calendar|📈 chart_up|📉 chart_down|📊 bar_chart|📋 clipboard|📌 pushpin pin|📍 location|📎 paperclip|📏 ruler|✂️ scissors
🗑️ wastebasket trash|🔒 lock|🔓 unlock|🔑 key|🔨 hammer|🪓 axe|🔧 wrench|🪛 screwdriver|🔩 nut_and_bolt|⚙️ gear
⚖️ scales|🔗 link|🧰 toolbox|🧲 magnet|🧪 test_tube|🔬 microscope|🔭 telescope|💉 syringe|💊 pill|🩹 bandage
🚪 door|🛏️ bed|🛋️ couch|🚽 toilet|🚿 shower|🛁 bathtub|🧻 toilet_paper|🧼 soap|🧹 broom|🛒 shopping_cart
⚠️ warning|🚫 no_entry_sign|⛔ no_entry|☢️ radioactive|☣️ biohazard|⬆️ arrow_up|➡️ arrow_right|⬇️ arrow_down|⬅️ arrow_left|🔄 arrows_circle refresh
🔙 back|🔜 soon|🔝 top|♻️ recycle|✅ check white_check_mark done|☑️ ballot_check|✔️ heavy_check|❌ x cross|❎ cross_mark|➕ plus
➖ minus|➗ divide|✖️ multiply|♾️ infinity|❓ question|❔ grey_question|❗ exclamation|❕ grey_exclamation|‼️ bangbang|⁉️ interrobang
🔴 red_circle|🟠 orange_circle|🟡 yellow_circle|🟢 green_circle|🔵 blue_circle|🟣 purple_circle|⚫ black_circle|⚪ white_circle|🟥 red_square|🟩 green_square
🔔 bell|🔕 no_bell|📢 loudspeaker|📣 megaphone|🏁 checkered_flag|🚩 red_flag|🏳️ white_flag|🏳️‍🌈 rainbow_flag|🇪🇺 flag_eu|🇩🇪 flag_de
🇫🇷 flag_fr|🇬🇧 flag_gb|🇺🇸 flag_us|🇪🇸 flag_es|🇮🇹 flag_it|🇵🇱 flag_pl|🇳🇱 flag_nl|🇨🇭 flag_ch|🇦🇹 flag_at|🇺🇦 flag_ua`.split(/[|\n]/).flatMap(e=>{let[t=``,...n]=e.split(` `);return n.map(e=>({emoji:t,name:e}))});export{e as EMOJI};